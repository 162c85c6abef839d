import type { ModelConfig } from '../model/config.ts';
import { parameterSpecs } from '../model/parameters.ts';
import { styleOf } from '../model/styles.ts';
import { modelTable, trainingFlopsPerToken } from '../train/modelTable.ts';

/** What a model counts. */
export interface ModelSize {
  /** All learned numbers. */
  readonly parameters: number;
  /** Of them, those of the embeddings of tokens and positions, and of a head of its own. */
  readonly embeddings: number;
  /** Operations of training on one token: three times the forward pass, without the optimizer's. */
  readonly operations: number;
}

/** The sizes of a model, without one being made. */
export function modelSize(model: ModelConfig): ModelSize {
  const table = modelTable(model, parameterSpecs(model, styleOf(model)));
  const count = (rows: typeof table): number => rows.reduce((sum, row) => sum + row.parameters, 0);
  return {
    parameters: count(table),
    embeddings: count(table.filter(({ group }) => /embedding|head/.test(group))),
    operations: trainingFlopsPerToken(table),
  };
}
