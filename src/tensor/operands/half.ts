import { roundUp, type View } from '../../gpu/memory.ts';
import type { Tensor } from '../tensor.ts';

/** The largest f16, and its bits as an f32: floats of one sign are ordered as their bits are, infinities and NaN last. */
export const LARGEST_HALF = 65504;
const LARGEST_HALF_BITS = 0x477fe000;

const WG = 64;
/** Elements (or vectors) that an invocation converts at most, while the grid has room. */
const PER = 8;
const MOST_GROUPS = 65535;

/**
 * y = f16(x). What is too large for an f16 becomes the largest, since WGSL may assume that there are no infinities, and is
 * noted in `overflow`: then results that depend on it are not to be used.
 */
const castWgsl = (vector: boolean): string => {
  const of = (type: string): string => (vector ? `vec4<${type}>` : type);
  return /* wgsl */ `enable f16;
@group(0) @binding(0) var<storage, read> x: array<${of('f32')}>;
@group(0) @binding(1) var<storage, read_write> y: array<${of('f16')}>;
@group(0) @binding(2) var<storage, read_write> overflow: array<atomic<u32>>;
struct Params { N: u32 }
@group(0) @binding(3) var<uniform> params: Params;
@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = id.x; i < params.N; i += groups.x * ${WG}u) {
    let magnitude = bitcast<${of('u32')}>(x[i]) & ${of('u32')}(0x7fffffffu);
    if (any(magnitude > ${of('u32')}(${LARGEST_HALF_BITS}u))) { atomicStore(&overflow[0], 1u); }
    y[i] = ${of('f16')}(clamp(x[i], ${of('f32')}(-${LARGEST_HALF}.0), ${of('f32')}(${LARGEST_HALF}.0)));
  }
}`;
};
const CASTS = { scalar: castWgsl(false), vector: castWgsl(true) };

/**
 * The numbers of an f32 tensor as f16, in the same order. Where one is beyond f16's range, or no number at all, the engine's
 * `overflow` becomes 1.
 */
export function halfOf(tensor: Tensor): View {
  const { engine, size, view } = tensor;
  const { device } = engine;
  return device.copyAs(view, `f16 ${size}`, () => {
    const half = device.allocate(roundUp(Math.max(2 * size, 4), 4), 'an operand in f16');
    const vector = size % 4 === 0;
    const N = vector ? size / 4 : size;
    device.dispatch({
      source: {
        name: 'cast_f16',
        wgsl: vector ? CASTS.vector : CASTS.scalar,
        bindings: ['read', 'write', 'write', 'uniform'],
      },
      resources: [view, half, engine.overflow.view],
      uniform: new Uint8Array(Uint32Array.of(N, 0, 0, 0).buffer),
      grid: [Math.min(Math.ceil(N / (WG * PER)), MOST_GROUPS), 1, 1],
    });
    return half;
  });
}
