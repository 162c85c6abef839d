/**
 * Extraction (Carlini et al., "Quantifying Memorization Across Neural Language Models", 2023): the model gets k tokens of a passage and goes
 * on greedily; a passage is extracted where the next k are those of the text, every one. Beside it the same of held-out passages, which the
 * model can only guess; and by how often the passage stands in the training part.
 */
import type { ExtractionRow } from '../../report/trust/memory.ts';
import { wilsonInterval } from '../../tasks/metrics/classification.ts';
import { continued } from '../../tasks/text/continued.ts';
import type { Tokens } from '../../text/windows/dataset.ts';
import { mix, permute } from '../../text/windows/permutation.ts';
import type { QuestionedRun } from '../questioned.ts';
import type { TrainText } from './trainText.ts';

const PREFIXES = [16, 32, 64];

/** Classes of passages by how often they stand in the text. */
const COPIES = [{ least: 1, most: 1 }, { least: 2, most: 3 }, { least: 4, most: 7 }, { least: 8 }];

/** The lengths of prefixes whose passages fit into a context: those of the paper's order, or half of a shorter one. */
export function prefixesOf(blockSize: number): number[] {
  const fitting = PREFIXES.filter((prefix) => 2 * prefix <= blockSize);
  return fitting.length > 0 ? fitting : [Math.max(1, Math.floor(blockSize / 2))];
}

/** Asks for passages of both parts by each length of prefix. */
export async function extraction(run: QuestionedRun, text: TrainText): Promise<ExtractionRow[]> {
  const rows: ExtractionRow[] = [];
  for (const prefix of prefixesOf(run.run.config.blockSize)) {
    const { train, validation } = run.dataset;
    const places = drawPlaces(train.length - 2 * prefix, run.samples, mix(run.seed, prefix));
    const drawn = await matchesOf(run, train, places, prefix, 'training');
    const heldOut = drawPlaces(validation.length - 2 * prefix, run.samples, mix(run.seed, prefix + 1));
    rows.push(rowOf({ part: 'training', prefix }, drawn));
    rows.push(rowOf({ part: 'held out', prefix }, await matchesOf(run, validation, heldOut, prefix, 'held-out')));
    const repeated = repeatedPlaces(text, 2 * prefix, run.samples, run.seed);
    const again = await matchesOf(run, train, repeated, prefix, 'repeated');
    const copies = [...places, ...repeated].map((place) => text.copies(place, place + 2 * prefix));
    const matched = [...drawn, ...again];
    for (const { least, most } of COPIES) {
      const some = matched.filter((_, i) => copies[i] >= least && copies[i] <= (most ?? Number.POSITIVE_INFINITY));
      rows.push(rowOf({ part: 'training', prefix, copies: { least, most } }, some));
    }
  }
  return rows.filter(({ passages }) => passages > 0);
}

/** Different places from 0 to before `size`. */
export const drawPlaces = (size: number, count: number, key: number): number[] =>
  Array.from({ length: Math.max(0, Math.min(size, count)) }, (_, i) => permute(i, size, key));

/** Of each place, how many of the tokens behind its prefix the model goes on with before the first that is another. */
async function matchesOf(
  run: QuestionedRun,
  tokens: Tokens,
  places: readonly number[],
  prefix: number,
  what: string,
): Promise<number[]> {
  const prompts = places.map((place) => tokens.subarray(place, place + prefix));
  const settings = { ...run, tokens: prefix, temperature: 0, what: `${what} passages after ${prefix} tokens` };
  const made = await continued(run.run.model, prompts, settings);
  return made.map((ids, i) => {
    const wrong = ids.findIndex((id, j) => id !== tokens[places[i] + prefix + j]);
    return wrong < 0 ? prefix : wrong;
  });
}

/** Places whose passages of so many tokens stand in the text more than once: of all of them as many as are asked for, by chance. */
function repeatedPlaces(text: TrainText, length: number, count: number, seed: number): number[] {
  const { starts, tokens, index } = text;
  const bytes = Math.max(1, Math.floor((starts[tokens.length] / tokens.length) * length));
  const kept: number[] = []; // a reservoir (Vitter's algorithm R): each has the same chance to stay
  let seen = 0;
  index.eachRepeated(bytes, (byte) => {
    const place = text.tokenAt(byte);
    if (place === undefined || place + length > tokens.length) return;
    const at = seen < count ? seen : mix(seed, seen) % (seen + 1);
    if (at < count) kept[at] = place;
    seen++;
  });
  return kept;
}

function rowOf(of: Pick<ExtractionRow, 'part' | 'prefix' | 'copies'>, matches: readonly number[]): ExtractionRow {
  const exact = matches.filter((matched) => matched === of.prefix).length;
  const [low, high] = wilsonInterval(exact, matches.length);
  const matched = matches.reduce((sum, one) => sum + one, 0) / Math.max(1, matches.length);
  return { ...of, passages: matches.length, exact, low, high, matched };
}
