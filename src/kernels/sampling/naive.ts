import { defineKernel } from '../../tensor/kernel.ts';
import { THREEFRY_WGSL } from '../../tensor/random.ts';
import { LARGEST_WGSL } from './argmax.ts';

/** Below this the temperature counts as 0: dividing by it could overflow. */
export const SMALLEST_TEMPERATURE = 1e-6;

/** Bindings of every kernel of `sample`. */
export const bind = {
  logits: 'read',
  settings: 'read',
  state: 'read u32',
  seen: 'write u32',
  ids: 'write u32',
} as const;
/** Sizes, and whether `seen` is real. */
export const params = { B: 'u32', V: 'u32', hasSeen: 'u32' } as const;

/** WGSL: settings by name, penalized logits, and weights exp(score - largest) that are 1 for the most likely token. */
export const SCORES_WGSL = /* wgsl */ `
var<private> row: u32;
var<private> top: Best;
fn temperature() -> f32 { return settings[0]; }
fn topP() -> f32 { return settings[1]; }
fn minP() -> f32 { return settings[2]; }
fn topK() -> u32 { return u32(clamp(settings[4], 0.0, f32(params.V))); }
fn isGreedy() -> bool { return !(temperature() >= ${SMALLEST_TEMPERATURE}); }
fn score(i: u32) -> f32 {
  let at = row * params.V + i;
  let z = logits[at];
  if (params.hasSeen == 0u || seen[at] == 0u) { return z; }
  return select(z * settings[3], z / settings[3], z > 0.0);
}
fn weight(z: f32) -> f32 { return exp(max((z - top.score) / temperature(), -100.0)); }
fn choose(id: u32) {
  ids[row] = id;
  if (params.hasSeen == 1u) { seen[row * params.V + id] = 1u; }
}
`;

/** The lesson: one invocation a row; thresholds go down from score to score until enough tokens are above. */
export const sampleNaive = defineKernel({
  name: 'sample_naive',
  bind,
  params,
  grid: ({ B }) => B,
  wgsl: () => /* wgsl */ `
const WG = 1u;
${THREEFRY_WGSL}
${SCORES_WGSL}
${LARGEST_WGSL}
struct Tally { count: u32, mass: f32 }
fn tally(lowest: f32) -> Tally {
  var result = Tally(0u, 0.0);
  for (var i = 0u; i < params.V; i++) {
    let z = score(i);
    if (z >= lowest) { result = Tally(result.count + 1u, result.mass + weight(z)); }
  }
  return result;
}
fn nextBelow(score_: f32) -> f32 {
  var next = -3.4e38;
  for (var i = 0u; i < params.V; i++) {
    let z = score(i);
    if (z < score_) { next = max(next, z); }
  }
  return next;
}
fn lowestKept() -> f32 {
  var lowestByRank = -3.4e38;
  if (topK() > 0u) {
    lowestByRank = top.score;
    while (lowestByRank > -3e38 && tally(lowestByRank).count < topK()) { lowestByRank = nextBelow(lowestByRank); }
  }
  if (topP() >= 1.0) { return lowestByRank; }
  let goal = topP() * tally(lowestByRank).mass;
  var lowest = top.score;
  while (lowest > lowestByRank && tally(lowest).mass < goal) { lowest = nextBelow(lowest); }
  return lowest;
}
fn draw(lowest: f32) -> u32 {
  var total = 0.0;
  for (var i = 0u; i < params.V; i++) {
    let z = score(i);
    if (z >= lowest && weight(z) >= minP()) { total += weight(z); }
  }
  var rest = total * toUnit(threefry(vec2<u32>(state[0], row), vec2<u32>(state[1], 0u)).x);
  var id = top.id;
  for (var i = 0u; i < params.V; i++) {
    let z = score(i);
    if (z >= lowest && weight(z) >= minP()) {
      id = i;
      rest -= weight(z);
      if (rest < 0.0) { break; }
    }
  }
  return id;
}
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = groupIndex(group, groups);
  if (index >= params.B) { return; }
  row = index;
  top = largest(0u, params.V);
  if (isGreedy()) {
    choose(top.id);
  } else {
    choose(draw(lowestKept()));
  }
}`,
});
