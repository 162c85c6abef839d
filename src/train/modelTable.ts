import type { ModelConfig } from '../model/config.ts';
import type { ParameterRow } from '../report/data.ts';
import type { ParameterSpec } from '../tensor/parameters.ts';
import { format, sizeOf } from '../tensor/shape.ts';

const GROUPS: readonly { group: string; holds: RegExp }[] = [
  { group: 'token embedding', holds: /wte|embed_tokens/ },
  { group: 'position embedding', holds: /wpe/ },
  { group: 'attention', holds: /attn/ },
  { group: 'MLP', holds: /mlp/ },
  { group: 'norms', holds: /ln_|norm/ },
  { group: 'head', holds: /lm_head/ },
];

const matrices = (specs: readonly ParameterSpec[]): number =>
  specs.filter(({ shape }) => shape.length === 2).reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Distinct shapes with their counts: "4 x (128, 384), 4 x (128, 128)". */
function shapes(specs: readonly ParameterSpec[]): string {
  const counts = new Map<string, number>();
  for (const { shape } of specs) counts.set(format(shape), (counts.get(format(shape)) ?? 0) + 1);
  return [...counts].map(([shape, count]) => (count === 1 ? shape : `${count} x ${shape}`)).join(', ');
}

/**
 * Parameters and forward FLOPs by group. A matrix costs two operations a number and token; attention costs, beside its
 * matrices, 4 T C a layer for the scores and the weighted sum at full context (Kaplan et al., 2020, table 1, counts the same).
 */
export function modelTable(config: ModelConfig, specs: readonly ParameterSpec[]): ParameterRow[] {
  const { nLayer, blockSize: T, nEmbd: C, vocabSize: V, tieEmbeddings } = config;
  const flops = (group: string, members: readonly ParameterSpec[]): number => {
    if (group.endsWith('embedding')) return 0;
    return 2 * matrices(members) + (group === 'attention' ? nLayer * 4 * T * C : 0);
  };
  const rows = GROUPS.flatMap(({ group, holds }): ParameterRow[] => {
    const members = specs.filter(({ name }) => holds.test(name) && (group !== 'norms' || !/attn|mlp/.test(name)));
    if (members.length === 0) return [];
    const parameters = members.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    return [{ group, shape: shapes(members), parameters, flopsPerToken: flops(group, members) }];
  });
  if (tieEmbeddings) {
    const group = 'head (tied to the embedding)';
    rows.push({ group, shape: format([V, C]), parameters: 0, flopsPerToken: 2 * V * C });
  }
  return rows;
}

/** FLOPs of training on one token: forward, and twice as much backward. */
export const trainingFlopsPerToken = (rows: readonly ParameterRow[]): number =>
  3 * rows.reduce((sum, { flopsPerToken }) => sum + flopsPerToken, 0);
