import { defineKernel } from '../../tensor/kernel.ts';
import { THREEFRY_WGSL } from '../../tensor/random.ts';
import type { ShaderContext } from '../../tensor/shader.ts';
import { LARGEST_WGSL } from './argmax.ts';
import { SAMPLE_SETTINGS, SMALLEST_TEMPERATURE } from './settings.ts';

/** What every kernel of `sample` binds; `seen` may be absent. */
export const sampling = {
  bind: {
    logits: 'read',
    settings: { access: 'read', struct: SAMPLE_SETTINGS },
    state: 'read u32',
    seen: 'write? u32',
    ids: 'write u32',
  },
  params: { B: 'u32', V: 'u32' },
  grid: ({ B }: { B: number }) => B,
} as const;

type Has = Pick<ShaderContext<(typeof sampling)['bind']>, 'has'>;

const PENALTY = /* wgsl */ `
  let penalty = settings.repetitionPenalty;
  if (seen[at] != 0u) { return select(z * penalty, z / penalty, z > 0.0); }`;

/** WGSL: penalized logits, and weights exp(score - largest) that are 1 for the most likely token. */
export const scoresWgsl = ({ has }: Has): string => /* wgsl */ `
var<private> row: u32;
var<private> top: Best;
fn topK() -> u32 { return u32(clamp(settings.topK, 0.0, f32(params.V))); }
fn isGreedy() -> bool { return !(settings.temperature >= ${SMALLEST_TEMPERATURE}); }
fn score(i: u32) -> f32 {
  let at = row * params.V + i;
  let z = logits[at];
  ${has.seen ? PENALTY : ''}
  return z;
}
fn weight(z: f32) -> f32 { return exp(max((z - top.score) / settings.temperature, -100.0)); }
fn choose(id: u32) {
  ids[row] = id;
  ${has.seen ? 'seen[row * params.V + id] = 1u;' : ''}
}
`;

/** The lesson: one invocation a row; thresholds go down from score to score until enough tokens are above. */
export const sampleNaive = defineKernel({
  name: 'sample_naive',
  ...sampling,
  wgsl: (_, context) => /* wgsl */ `
const WG = 1u;
${THREEFRY_WGSL}
${scoresWgsl(context)}
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
  if (settings.topP >= 1.0) { return lowestByRank; }
  let goal = settings.topP * tally(lowestByRank).mass;
  var lowest = top.score;
  while (lowest > lowestByRank && tally(lowest).mass < goal) { lowest = nextBelow(lowest); }
  return lowest;
}
fn draw(lowest: f32) -> u32 {
  var total = 0.0;
  for (var i = 0u; i < params.V; i++) {
    let z = score(i);
    if (z >= lowest && weight(z) >= settings.minP) { total += weight(z); }
  }
  var rest = total * toUnit(threefry(vec2<u32>(state[0], row), vec2<u32>(state[1], 0u)).x);
  var id = top.id;
  for (var i = 0u; i < params.V; i++) {
    let z = score(i);
    if (z >= lowest && weight(z) >= settings.minP) {
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
  if (isGreedy()) { choose(top.id); } else { choose(draw(lowestKept())); }
}`,
});
