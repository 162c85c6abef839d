/** A type of WGSL's that a member of a struct may have; each takes four bytes. */
export type Member = 'u32' | 'f32';

/** A struct that the host writes and shaders read: its members are declared here, and nowhere else. */
export interface Struct<F extends string = string> {
  readonly name: string;
  readonly members: Readonly<Record<F, Member>>;
  /** Number of members, which is that of the elements of a tensor that holds one. */
  readonly size: number;
  /** The declaration in WGSL. */
  readonly wgsl: string;
  /** The bytes of a struct with these values, in whole multiples of 16. */
  pack(values: Readonly<Record<F, number>>): Uint8Array<ArrayBuffer>;
  /** The numbers of a struct whose members are all f32, as a tensor's elements. */
  floats(values: Readonly<Record<F, number>>): Float32Array<ArrayBuffer>;
  /** The place of a member in such numbers. */
  at(member: F): number;
}

/** Declares a struct by its members, in order. */
export function defineStruct<F extends string>(name: string, members: Readonly<Record<F, Member>>): Struct<F> {
  const names = Object.keys(members) as F[];
  const list = names.map((member) => `${member}: ${members[member]}`).join(', ');
  const pack = (values: Readonly<Record<F, number>>): Uint8Array<ArrayBuffer> => {
    const view = new DataView(new ArrayBuffer(Math.ceil(names.length / 4) * 16));
    names.forEach((member, i) => {
      if (members[member] === 'u32') view.setUint32(4 * i, values[member], true);
      else view.setFloat32(4 * i, values[member], true);
    });
    return new Uint8Array(view.buffer);
  };
  return {
    ...{ name, members, pack, size: names.length, wgsl: `struct ${name} { ${list} }` },
    floats: (values) => Float32Array.from(names, (member) => values[member]),
    at: (member) => names.indexOf(member),
  };
}
