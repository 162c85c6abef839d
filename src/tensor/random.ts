/**
 * Counter-based random numbers: a block cipher turns (key, counter) into random bits, so that each number depends on the
 * seed and its position alone, not on how many were drawn before or on which thread.
 *
 * Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), here and in WGSL.
 * Known answer: key (0, 0), counter (0, 0) gives 6b200159 99ba4efe.
 */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;

/** Two random u32 from a key and a counter of two u32 each. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const key = [key0 | 0, key1 | 0, (PARITY ^ key0 ^ key1) | 0];
  let x = (counter0 + key[0]) | 0;
  let y = (counter1 + key[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round % 8];
    x = (x + y) | 0;
    y = ((y << rotation) | (y >>> (32 - rotation))) ^ x;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x = (x + key[injection % 3]) | 0;
      y = (y + key[(injection + 1) % 3] + injection) | 0;
    }
  }
  return [x >>> 0, y >>> 0];
}

/** A u32 as a number in [0, 1), in steps of 2^-24 that an f32 holds exactly. */
export const toUnit = (bits: number): number => (bits >>> 8) / 16777216;

/** `count` normal numbers with standard deviation `std`, by Box and Muller; `stream` keeps tensors apart under one seed. */
export function normals(count: number, std: number, seed: number, stream: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const [a, b] = threefry(seed, stream, i, 0);
    const radius = std * Math.sqrt(-2 * Math.log(1 - toUnit(a)));
    const angle = 2 * Math.PI * toUnit(b);
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** `threefry(key, counter) -> vec2<u32>` and `toUnit(bits) -> f32` for shaders. */
export const THREEFRY_WGSL = /* wgsl */ `
fn threefry(k: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
  let key = array<u32, 3>(k.x, k.y, ${PARITY}u ^ k.x ^ k.y);
  let rotations = array<u32, 8>(${ROTATIONS.map((r) => `${r}u`).join()});
  var x = counter.x + k.x;
  var y = counter.y + k.y;
  for (var round = 0u; round < 20u; round++) {
    let rotation = rotations[round % 8u];
    x += y;
    y = ((y << rotation) | (y >> (32u - rotation))) ^ x;
    if (round % 4u == 3u) {
      let injection = (round + 1u) / 4u;
      x += key[injection % 3u];
      y += key[(injection + 1u) % 3u] + injection;
    }
  }
  return vec2<u32>(x, y);
}
fn toUnit(bits: u32) -> f32 { return f32(bits >> 8u) / 16777216.0; }
`;
