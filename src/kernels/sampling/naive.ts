import { defineKernel } from '../../tensor/kernel.ts';
import { THREEFRY_WGSL } from '../../tensor/random.ts';
import type { ShaderContext } from '../../tensor/shader.ts';
import { LARGEST_WGSL } from './argmax.ts';
import { SAMPLE_SETTINGS, SMALLEST_TEMPERATURE } from './settings.ts';

/** What every kernel of `sample` binds; `bias` and `seen` may be absent. */
export const sampling = {
  bind: {
    logits: 'read',
    settings: { access: 'read', struct: SAMPLE_SETTINGS, array: true },
    state: 'read u32',
    bias: 'read?',
    seen: 'write? u32',
    ids: 'write u32',
  },
  params: { B: 'u32', V: 'u32' },
  grid: ({ B }: { B: number }) => B,
} as const;

type Has = Pick<ShaderContext<(typeof sampling)['bind']>, 'has'>;

const PENALTIES = /* wgsl */ `
  let before = seen[at];
  if (before != 0u) {
    z = select(z * settingsOfRow.repetitionPenalty, z / settingsOfRow.repetitionPenalty, z > 0.0);
    let count = f32(before >> 1u);
    z -= min(count, 1.0) * settingsOfRow.presencePenalty + count * settingsOfRow.frequencyPenalty;
  }`;

/** WGSL: penalized logits, and weights exp(score - largest) that are 1 for the most likely token; `open` comes first. */
export const scoresWgsl = ({ has }: Has): string => /* wgsl */ `
var<private> row: u32;
var<private> settingsOfRow: SampleSettings;
var<private> top: Best;
fn open(index: u32, its: SampleSettings) {
  row = index;
  settingsOfRow = its;
}
fn topK(its: SampleSettings) -> u32 { return u32(clamp(its.topK, 0.0, f32(params.V))); }
fn isGreedy(its: SampleSettings) -> bool { return !(its.temperature >= ${SMALLEST_TEMPERATURE}); }
fn score(i: u32) -> f32 {
  let at = row * params.V + i;
  var z = logits[at]${has.bias ? ' + bias[at]' : ''};
  ${has.seen ? PENALTIES : ''}
  return z;
}
fn weight(z: f32) -> f32 { return exp(max((z - top.score) / settingsOfRow.temperature, -100.0)); }
fn random() -> u32 {
  return threefry(vec2<u32>(state[3u * row], state[3u * row + 1u]), vec2<u32>(state[3u * row + 2u], 0u)).x;
}
fn choose(id: u32) {
  ids[row] = id;
  ${has.seen ? 'seen[row * params.V + id] += 2u;' : ''}
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
  let rank = topK(settingsOfRow);
  if (rank > 0u) {
    lowestByRank = top.score;
    while (lowestByRank > -3e38 && tally(lowestByRank).count < rank) { lowestByRank = nextBelow(lowestByRank); }
  }
  if (settingsOfRow.topP >= 1.0) { return lowestByRank; }
  let goal = settingsOfRow.topP * tally(lowestByRank).mass;
  var lowest = top.score;
  while (lowest > lowestByRank && tally(lowest).mass < goal) { lowest = nextBelow(lowest); }
  return lowest;
}
fn draw(lowest: f32) -> u32 {
  var total = 0.0;
  for (var i = 0u; i < params.V; i++) {
    let z = score(i);
    if (z >= lowest && weight(z) >= settingsOfRow.minP) { total += weight(z); }
  }
  var rest = total * toUnit(random());
  var id = top.id;
  for (var i = 0u; i < params.V; i++) {
    let z = score(i);
    if (z >= lowest && weight(z) >= settingsOfRow.minP) {
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
  open(index, settings[index]);
  top = largest(0u, params.V);
  if (isGreedy(settingsOfRow)) { choose(top.id); } else { choose(draw(lowestKept())); }
}`,
});
