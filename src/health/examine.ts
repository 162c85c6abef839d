import type { HealthCard } from '../report/healthCard.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import { finalBatches } from '../train/evaluate.ts';
import { checkUp } from './checkup.ts';
import { dataFindings } from './data.ts';
import { evidenceOf, type Patient } from './evidence.ts';
import { rungsOf } from './rungs.ts';

/** Gathers what there is to be known of a run and judges it; undefined of one that has hardly begun. */
export async function examine(patient: Patient & { readonly tokenizer: Tokenizer }): Promise<HealthCard | undefined> {
  const { tokens, validation, tokenizer, config } = patient;
  const text = tokens && validation && { ...tokens, validation, tokenizer, blockSize: config.blockSize };
  const found = text && rungsOf({ ...text, most: finalBatches(config) });
  const data = found && tokens ? await dataFindings({ ...tokens, tokenizer }, found, config.validationFraction) : [];
  const evidence = await evidenceOf(patient, { rungs: found?.rungs ?? [], data });
  return evidence && checkUp(evidence);
}
