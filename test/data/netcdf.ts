/** netCDF files of version 3, as the classic format has them, written for tests. */

interface NetcdfVariable {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly values: ArrayLike<number>;
  /** Text or numbers. */
  readonly attributes?: Readonly<Record<string, string | number>>;
}

const TAGS = { dimensions: 10, variables: 11, attributes: 12 };
const TYPES = { char: 2, float: 5, double: 6 };

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
const text = (word: string): Buffer => Buffer.concat([u32(word.length), padded(Buffer.from(word))]);
const doubles = (values: ArrayLike<number>): Buffer => {
  const bytes = Buffer.alloc(8 * values.length);
  Array.from(values).forEach((value, i) => {
    bytes.writeDoubleBE(value, 8 * i);
  });
  return bytes;
};

const list = (tag: number, items: readonly Buffer[]): Buffer =>
  items.length === 0 ? Buffer.alloc(8) : Buffer.concat([u32(tag), u32(items.length), ...items]);

const attribute = ([name, value]: [string, string | number]): Buffer =>
  typeof value === 'string'
    ? Buffer.concat([text(name), u32(TYPES.char), text(value)])
    : Buffer.concat([text(name), u32(TYPES.double), u32(1), doubles([value])]);

/** A file of such dimensions and variables, all numbers as doubles. */
export function netcdf(
  dimensions: readonly (readonly [name: string, size: number])[],
  variables: readonly NetcdfVariable[],
): Buffer {
  const header = (begins: readonly number[]): Buffer =>
    Buffer.concat([
      Buffer.from('CDF\x01'),
      u32(0),
      list(
        TAGS.dimensions,
        dimensions.map(([name, size]) => Buffer.concat([text(name), u32(size)])),
      ),
      list(TAGS.attributes, []),
      list(
        TAGS.variables,
        variables.map(({ name, dimensions: own, values, attributes = {} }, i) =>
          Buffer.concat([
            ...[text(name), u32(own.length), ...own.map(u32)],
            list(TAGS.attributes, Object.entries(attributes).map(attribute)),
            ...[u32(TYPES.double), u32(8 * values.length), u32(begins[i])],
          ]),
        ),
      ),
    ]);
  let at = header(variables.map(() => 0)).length;
  const begins = variables.map(({ values }) => {
    const begin = at;
    at += 8 * values.length;
    return begin;
  });
  return Buffer.concat([header(begins), ...variables.map(({ values }) => doubles(values))]);
}
