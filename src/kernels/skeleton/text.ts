/** Pieces of WGSL that kernels of all shapes are written with. */

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** `count` pieces of WGSL. */
export const repeat = (count: number, line: (i: number) => string, separator = '\n'): string =>
  range(count).map(line).join(separator);

/** Stores `value`, or adds it to what is there: a gradient, where that is known when the shader is compiled. */
export const assign = (place: string, value: string, accumulate: number): string =>
  `${place} ${accumulate ? '+=' : '='} ${value};`;

/** The same by the param `accumulate`, where it is not. */
export const writeOrAdd = (place: string, value: string, flag = 'params.accumulate'): string =>
  `if (${flag} == 1u) { ${place} += ${value}; } else { ${place} = ${value}; }`;

/** Functions of an element T: the sum and the largest of its parts, and the first WIDTH parts of a vector of four. */
export const vectorFunctions = (width: 1 | 4): string =>
  width === 4
    ? /* wgsl */ `
fn narrow(v: vec4<f32>) -> T { return v; }
fn total(v: T) -> f32 { return v.x + v.y + v.z + v.w; }
fn top(v: T) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }`
    : /* wgsl */ `
fn narrow(v: vec4<f32>) -> T { return v.x; }
fn total(v: T) -> f32 { return v; }
fn top(v: T) -> f32 { return v; }`;

/** Tree sum over a workgroup of WG invocations, in an order that never changes; the result is in `partial[0]`. */
export const TREE_SUM = /* wgsl */ `
var<workgroup> partial: array<f32, WG>;
fn treeSum(lane: u32, value: f32) {
  partial[lane] = value;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
}
`;
