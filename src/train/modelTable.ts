import type { ModelConfig } from '../model/config.ts';
import { forwardOperations } from '../model/operations.ts';
import { type ModelPart, partOf } from '../model/parts.ts';
import type { ParameterRow } from '../report/data.ts';
import type { ParameterSpec } from '../tensor/parameters.ts';
import { format, sizeOf } from '../tensor/shape.ts';

const GROUPS: readonly { group: string; part: ModelPart; holds?: RegExp }[] = [
  { group: 'token embedding', part: 'embedding', holds: /wte|embed_tokens/ },
  { group: 'position embedding', part: 'embedding', holds: /wpe/ },
  { group: 'attention', part: 'attention' },
  { group: 'MLP', part: 'MLP' },
  { group: 'norms', part: 'norms' },
  { group: 'head', part: 'head' },
];

/** Distinct shapes with their counts: "4 x (128, 384), 4 x (128, 128)". */
function shapes(specs: readonly ParameterSpec[]): string {
  const counts = new Map<string, number>();
  for (const { shape } of specs) counts.set(format(shape), (counts.get(format(shape)) ?? 0) + 1);
  return [...counts].map(([shape, count]) => (count === 1 ? shape : `${count} x ${shape}`)).join(', ');
}

/** Parameters and forward FLOPs (see `forwardOperations`) by group. */
export function modelTable(config: ModelConfig, specs: readonly ParameterSpec[]): ParameterRow[] {
  const { nEmbd: C, vocabSize: V, tieEmbeddings } = config;
  const operations = forwardOperations(config);
  const rows = GROUPS.flatMap(({ group, part, holds }): ParameterRow[] => {
    const members = specs.filter(({ name }) => partOf(name) === part && (holds?.test(name) ?? true));
    if (members.length === 0) return [];
    const parameters = members.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    return [{ group, shape: shapes(members), parameters, flopsPerToken: operations[part] }];
  });
  if (tieEmbeddings) {
    const group = 'head (tied to the embedding)';
    rows.push({ group, shape: format([V, C]), parameters: 0, flopsPerToken: operations.head });
  }
  return rows;
}

/** FLOPs of training on one token: forward, and twice as much backward. */
export const trainingFlopsPerToken = (rows: readonly ParameterRow[]): number =>
  3 * rows.reduce((sum, { flopsPerToken }) => sum + flopsPerToken, 0);
