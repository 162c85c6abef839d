import { GROUP } from '../../tensor/operands/packing.ts';
import type { PackedReader } from '../../tensor/operands/quantized.ts';
import { range } from '../skeleton/text.ts';

/** One output column of quads: `name` + row is its vec4 accumulator, `column` the WGSL of the texel's x. */
interface Column {
  name: string;
  column: string;
}

/** A product of a step: see StepWriter. */
export interface Product {
  /** `from` + row is the array of inputs. */
  from: string;
  /** Entries of it. */
  entries: number;
  weight: string;
  /** WGSL: the input number that entry `e` of lane 0 stands for. */
  input: string;
  /** Inputs that follow one upon another from a multiple of their number on; what lanes hold past them is zero. */
  stretch?: number;
  columns: readonly Column[];
}

/** What it needs of the writer. */
interface Writer {
  readonly L: number;
  rows(line: (r: number) => string): string;
  opaque(count: number): string;
  zeros(names: readonly string[]): string;
}

/**
 * A step's product with packed weights, which come by quads of inputs: those of a lane are neighbours. Where stretches are even,
 * as widths of heads mostly are, the quads of all lanes share a scale, and sums are taken before it; else each lane's has its own.
 * At C 384 and H 1536 on lavapipe the MLP takes 0.3 (int8) and 0.15 (int4) of the time of plain weights: a load from a texture
 * brings 16 or 32 numbers in place of four, and to unpack them costs less than the other loads.
 */
export function packedProduct(
  w: Writer,
  b: PackedReader,
  { from, entries, input, columns, stretch = 4 * w.L }: Product,
): string {
  const even = stretch % 8 === 0 && (stretch % (4 * w.L) === 0 || GROUP % stretch === 0);
  const shared = b.scaled && even;
  const lanes = even ? Math.max(1, b.inputs / 4) : 1; // that find their quads in one texel
  const texels = range(Math.max(1, 4 / b.inputs)); // of a lane
  const sum = (name: string): string => (shared ? `${name}unscaled` : name);
  const load = (first: number, c: number): string =>
    texels.map((t) => `let w${c}_${t} = ${b.texel(`column${c}`, `k + ${4 * first + t * b.inputs}u`)};`).join(' ');
  // of a texel of eight inputs that stands alone, the half that is the lane's
  const half = (c: number, at: string): string =>
    b.inputs > 4 && !even ? `let h${c}_0 = select(w${c}_0.xy, w${c}_0.zw, (${at} & 4u) > 0u);` : '';
  const four = (c: number, lane: number, i: number): string => {
    const texel = Math.floor(i / b.inputs);
    if (b.inputs > 4 && !even) return b.four(`h${c}_0`, i);
    return b.four(`w${c}_${texel}`, (4 * lane + i) % b.inputs);
  };
  const multiply = (lane: number, at: string, c: number): string => {
    const scale = b.scaled && !even ? ` * ${b.scale(`column${c}`, at)}` : '';
    return /* wgsl */ `{ ${half(c, at)} ${range(4)
      .map((i) => `let n${i} = ${four(c, lane, i)};`)
      .join(' ')}
      ${w.rows((r) => `${sum(columns[c].name)}${r} += (s${r}.x * n0 + s${r}.y * n1 + s${r}.z * n2 + s${r}.w * n3)${scale};`)} }`;
  };
  const each = (line: (c: number) => string): string => columns.map((_, c) => line(c)).join('\n');
  const takeTexel = (first: number): string => /* wgsl */ `{ ${each((c) => load(first, c))}
    ${range(lanes)
      .map(
        (l) => `{ ${w.rows((r) => `let s${r} = subgroupShuffle(v${r}, ${first + l}u);`)}
      ${each((c) => multiply(l, `(k + ${4 * (first + l)}u)`, c))} }`,
      )
      .join('\n')} }`;
  const scaleSums = (c: number): string =>
    `{ let scale = ${b.scale(`column${c}`, 'k')}; ${w.rows((r) => `${columns[c].name}${r} += ${sum(columns[c].name)}${r} * scale;`)} }`;
  return /* wgsl */ `
  ${each((c) => `let column${c} = ${columns[c].column};`)}
  for (var e = 0u; e < ${w.opaque(entries)}; e += 4u) {
    let k = ${input};
    ${w.rows(
      (r) =>
        `let v${r} = vec4<f32>(${range(4)
          .map((i) => `${from}${r}[e + ${i}u]`)
          .join(', ')});`,
    )}
    ${shared ? w.zeros(columns.map(({ name }) => sum(name))) : ''}
    ${range(w.L / lanes)
      .map((g) => takeTexel(g * lanes))
      .join('\n')}
    ${shared ? each(scaleSums) : ''}
  }`;
}
