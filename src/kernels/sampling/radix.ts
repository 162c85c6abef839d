import { defineKernel } from '../../tensor/kernel.ts';
import { THREEFRY_WGSL } from '../../tensor/random.ts';
import { LARGEST_WGSL } from './argmax.ts';
import { sampling, scoresWgsl } from './naive.ts';

/**
 * A workgroup a row. Probabilities become whole numbers of 2^-31, so that sums are exact in any order and the same on each
 * run. A threshold is found without sorting: the bits of a float, made monotone, are settled eight at a time from the top,
 * each time with a histogram of the tokens that share the bits so far: four walks over the row for top-k, four for top-p.
 */
export const sampleRadix = defineKernel({
  name: 'sample_radix',
  ...sampling,
  tune: { WG: [16, 64, 256] },
  prefer: ({ software }) => ({ WG: software ? 16 : 256 }),
  wgsl: ({ WG }, context) => /* wgsl */ `
const WG = ${WG}u;
const UNIT = 2147483648.0;
${THREEFRY_WGSL}
${scoresWgsl(context)}
${LARGEST_WGSL}
var<private> threshold: u32;
var<private> total: f32;
var<workgroup> exchange: array<f32, WG>;
var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> found: vec2<u32>;
var<workgroup> sums: array<u32, WG>;
fn key(z: f32) -> u32 {
  let bits = select(bitcast<u32>(z), 0u, z == 0.0);
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}
fn mass(z: f32) -> u32 { return u32(weight(z) / total * UNIT + 0.5); }
fn sumWeights(lane: u32) -> f32 {
  var sum = 0.0;
  for (var i = lane; i < params.V; i += WG) {
    let z = score(i);
    if (key(z) >= threshold) { sum += weight(z); }
  }
  exchange[lane] = sum;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) { exchange[lane] += exchange[lane + half]; }
    workgroupBarrier();
  }
  return exchange[0];
}
fn fillBins(lane: u32, prefix: u32, shift: u32, counting: bool) {
  for (var b = lane; b < 256u; b += WG) { atomicStore(&bins[b], 0u); }
  workgroupBarrier();
  for (var i = lane; i < params.V; i += WG) {
    let z = score(i);
    let k = key(z);
    if (k < threshold || (k >> shift) >> 8u != prefix) { continue; }
    var amount = 1u;
    if (!counting) { amount = mass(z); }
    atomicAdd(&bins[(k >> shift) & 255u], amount);
  }
  workgroupBarrier();
}
/* The largest key t such that the tokens with keys of at least t count, or weigh, at least \`goal\`. */
fn search(lane: u32, goal: u32, counting: bool) -> u32 {
  var prefix = 0u;
  var rest = goal;
  for (var digit = 4u; digit > 0u; digit--) {
    fillBins(lane, prefix, 8u * (digit - 1u), counting);
    if (lane == 0u) {
      var b = 255u;
      while (b > 0u && atomicLoad(&bins[b]) < rest) {
        rest -= atomicLoad(&bins[b]);
        b--;
      }
      found = vec2<u32>((prefix << 8u) | b, rest);
    }
    let agreed = workgroupUniformLoad(&found);
    prefix = agreed.x;
    rest = agreed.y;
  }
  return prefix;
}
fn keptMass(i: u32) -> u32 {
  let z = score(i);
  if (key(z) < threshold || weight(z) < settingsOfRow.minP) { return 0u; }
  return mass(z);
}
/* floor(a * b / 2^32) */
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let low = ((a & 0xffffu) * (b & 0xffffu)) >> 16u;
  let middle = (a >> 16u) * (b & 0xffffu) + low;
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}
/* Inverse of the cumulative distribution, in the order of ids: first the stretch, then the token. */
fn draw(stretch: u32) -> u32 {
  var all = 0u;
  for (var s = 0u; s < WG; s++) { all += sums[s]; }
  var rest = multiplyHigh(all, random());
  var s = 0u;
  while (s < WG - 1u && rest >= sums[s]) {
    rest -= sums[s];
    s++;
  }
  var id = top.id;
  for (var i = s * stretch; i < min((s + 1u) * stretch, params.V); i++) {
    let share = keptMass(i);
    if (share > 0u) { id = i; }
    if (share > rest) { break; }
    rest -= share;
  }
  return id;
}
@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let index = groupIndex(group, groups);
  if (index >= params.B) { return; }
  let its = settings[index]; // uniform, as what branches around barriers must be
  open(index, its);
  top = largest(lane, params.V);
  if (isGreedy(its)) {
    if (lane == 0u) { choose(top.id); }
    return;
  }
  threshold = 0u;
  let rank = topK(its);
  if (rank > 0u && rank < params.V) { threshold = search(lane, rank, true); }
  total = sumWeights(lane);
  if (its.topP < 1.0) { threshold = max(threshold, search(lane, max(u32(its.topP * UNIT), 1u), false)); }
  let stretch = (params.V + WG - 1u) / WG;
  var sum = 0u;
  for (var i = lane * stretch; i < min((lane + 1u) * stretch, params.V); i++) { sum += keptMass(i); }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) { choose(draw(stretch)); }
}`,
});
