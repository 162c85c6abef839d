/** What a model has by heart: canaries, passages, overlaps of samples with the text, and whether training windows can be told from others. */
import type { CanaryRow, MemoryFindings } from '../../report/trust/memory.ts';
import { continued } from '../../tasks/text/continued.ts';
import type { QuestionedRun } from '../questioned.ts';
import { type Canary, canariesOf } from './canaries.ts';
import { beforeNumber, exposureOf, numberLikelihoods } from './exposure.ts';
import { extraction } from './extraction.ts';
import { membership, type Reference } from './membership.ts';
import { overlaps } from './overlap.ts';
import { filesOf, TrainText } from './trainText.ts';

/** Yields what is found, each time more of it. */
export async function* askMemory(
  run: QuestionedRun,
  { checkpoint, reference }: Pick<MemoryFindings, 'checkpoint'> & { reference?: Reference },
): AsyncGenerator<MemoryFindings> {
  let found: MemoryFindings = { seed: run.seed, checkpoint };
  const canaries = canariesOf(run.run.config);
  if (canaries.length > 0) {
    found = { ...found, canaries: { digits: run.run.config.canaries, rows: await canaryRows(run, canaries) } };
    yield found;
  }
  found = { ...found, membership: await membership(run, reference) };
  yield found;
  const text = new TrainText(run.dataset.train, run.run.tokenizer, await filesOf(run.corpus));
  run.onProgress?.(0, text.bytes.length, 'bytes indexed');
  found = { ...found, overlap: await overlaps(run, text) };
  yield found;
  yield { ...found, extraction: await extraction(run, text) };
}

async function canaryRows(run: QuestionedRun, canaries: readonly Canary[]): Promise<CanaryRow[]> {
  const { model, tokenizer, config } = run.run;
  const rows: CanaryRow[] = [];
  for (const { word, digits, times } of canaries) {
    const onContext = (done: number, of: number): void => {
      run.onProgress?.(rows.length * of + done, canaries.length * of, 'contexts of canaries');
    };
    const likelihoods = await numberLikelihoods(model, tokenizer, word, config.canaries, { ...run, onContext });
    rows.push({ word, times, digits, ...exposureOf(likelihoods, Number(digits)), said: '' });
  }
  const said = await saidAfter(run, canaries);
  return rows.map((row, i) => ({ ...row, said: said[i] }));
}

/** What the model writes greedily behind the prompts of canaries, as much as their digits take. */
async function saidAfter(run: QuestionedRun, canaries: readonly Canary[]): Promise<string[]> {
  const { model, tokenizer, config } = run.run;
  const room = Math.max(1, model.config.blockSize - config.canaries);
  const prompts = canaries.map(({ word }) => beforeNumber(tokenizer, word, config.canaries).slice(-room));
  const tokens = config.canaries + 1; // with the blank, where that is still to come; of longer tokens fewer would do
  const made = await continued(model, prompts, { ...run, tokens, temperature: 0, what: 'canaries said' });
  return made.map((ids) => tokenizer.decode(ids).trimStart().slice(0, config.canaries));
}
