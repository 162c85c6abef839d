/** Longest verbatim overlaps of what a model writes with what it has read, each with its place in the source; beside them those of held-out text. */
import { quantileSorted } from 'simple-statistics';
import type { MemoryFindings, OverlapRow } from '../../report/trust/memory.ts';
import { continued } from '../../tasks/text/continued.ts';
import { mix } from '../../text/windows/permutation.ts';
import { openingTokens } from '../../train/samples.ts';
import { masked, privateItems } from '../data/private/private.ts';
import type { QuestionedRun } from '../questioned.ts';
import { bytesOf, type TrainText } from './trainText.ts';

/** As `dawnlm sample` draws. */
const TEMPERATURE = 0.8;
/** Tokens of a sample. */
const TOKENS = 128;
/** Overlaps that are shown. */
const SHOWN = 10;
/** Bytes around an overlap that are shown, and of it at most. */
const AROUND = 60;
const MOST_SHOWN = 400;

type Overlap = NonNullable<MemoryFindings['overlap']>;

/** Draws samples, and finds in each the longest passage that the training part has too. */
export async function overlaps(run: QuestionedRun, text: TrainText): Promise<Overlap> {
  const { tokenizer, model } = run.run;
  const prompts = Array.from({ length: run.samples }, () => openingTokens(tokenizer));
  const settings = { ...run, tokens: TOKENS, temperature: TEMPERATURE, what: 'samples' };
  const samples = (await continued(model, prompts, settings)).map(
    (ids) => bytesOf(Uint32Array.from(ids), tokenizer).bytes,
  );
  const heldOut = bytesOf(run.dataset.validation, tokenizer).bytes;
  const found = search(run, text, samples, 'samples searched for');
  const beside = search(
    run,
    text,
    piecesOf(
      heldOut,
      samples.map(({ length }) => length),
      run.seed,
    ),
    'held-out passages searched for',
  );
  return {
    ...{ samples: samples.length, tokens: TOKENS, temperature: TEMPERATURE, indexedBytes: text.bytes.length },
    ...{ model: lengthsOf(found), heldOut: lengthsOf(beside), longest: longestOf(found, text) },
  };
}

interface Found {
  readonly length: number;
  readonly at: number;
}

function search({ signal, onProgress }: QuestionedRun, text: TrainText, texts: readonly Uint8Array[], what: string) {
  return texts.map((bytes, i): Found => {
    signal?.throwIfAborted();
    onProgress?.(i + 1, texts.length, what);
    return text.index.longestShared(bytes);
  });
}

/** Passages of a text of such lengths, in bytes, at places by the seed, which may overlap where it is short. */
export function piecesOf<Bytes extends Uint8Array>(text: Bytes, lengths: readonly number[], seed: number): Bytes[] {
  return lengths.map((length, i) => {
    const place = mix(seed, i) % Math.max(1, text.length - length);
    return text.subarray(place, place + length) as Bytes;
  });
}

function lengthsOf(found: readonly Found[]): Overlap['model'] {
  const lengths = found.map(({ length }) => length).sort((a, b) => a - b);
  const at = (share: number): number => Math.round(quantileSorted(lengths, share));
  return { median: at(0.5), ninetieth: at(0.9), longest: lengths.at(-1)! };
}

/** The longest overlaps, each place once. */
function longestOf(found: readonly Found[], text: TrainText): OverlapRow[] {
  const rows: OverlapRow[] = [];
  const taken: Found[] = [];
  for (const one of [...found].sort((a, b) => b.length - a.length)) {
    if (rows.length === SHOWN) break;
    if (taken.some(({ at, length }) => one.at < at + length && at < one.at + one.length)) continue;
    taken.push(one);
    rows.push(rowOf(one, text));
  }
  return rows;
}

function rowOf({ at, length }: Found, text: TrainText): OverlapRow {
  const { bytes } = text;
  const end = at + Math.min(length, MOST_SHOWN);
  // masked as a whole: a private string may stand half in the passage
  const [before, passage, after] = maskedParts([
    decode(bytes.subarray(Math.max(0, at - AROUND), at)),
    decode(bytes.subarray(at, end)),
    decode(bytes.subarray(end, end + AROUND)),
  ]);
  return { bytes: length, passage, before, after, ...text.placeOf(at) };
}

/** Halves of characters at the ends are left out. */
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replace(/^\ufffd+|\ufffd+$/g, '');

/** The parts of a text, with private strings masked in all that they touch. */
export function maskedParts(parts: readonly [string, string, string]): string[] {
  const whole = parts.join('');
  const spans = privateItems(whole);
  let from = 0;
  return parts.map((part) => {
    const to = from + part.length;
    const shown = masked(whole, spans, { from, to });
    from = to;
    return shown;
  });
}
