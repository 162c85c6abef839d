/** What a model says: samples by prompt and temperature, counted beside pieces of its training text, and what blocking words changes. */
import { UserError } from '../../errors.ts';
import type { BlockFindings, SaidFindings, SaidRow } from '../../report/trust/said.ts';
import { continued } from '../../tasks/text/continued.ts';
import { BlockedTexts } from '../../text/tokenizers/blocked.ts';
import type { Tokenizer } from '../../text/tokenizers/types.ts';
import { mix } from '../../text/windows/permutation.ts';
import { openingTokens } from '../../train/samples.ts';
import { masked, privateItems } from '../data/private/private.ts';
import { piecesOf } from '../memory/overlap.ts';
import { bytesOf } from '../memory/trainText.ts';
import type { QuestionedRun } from '../questioned.ts';
import { counted, toxicEntries, toxicRate } from './counted.ts';
import { repetitionOf } from './repetition.ts';

/** Tokens of a sample. */
const TOKENS = 128;
/** As `dawnlm sample` draws, and as the model says. */
const TEMPERATURES = [0.8, 1] as const;
/** Characters of a held-out line that are given as its beginning, to the end of a word. */
const BEGINNING = 24;

export interface SaidOptions extends Pick<SaidFindings, 'checkpoint'> {
  /** Prompts of the user's, each with samples of its own. */
  readonly prompts?: readonly string[];
  /** What is blocked; unless given, toxic words that were found. */
  readonly block?: readonly string[];
}

/** What samples begin with: its name, and the tokens before sample i. */
interface Opening {
  readonly name: string;
  readonly promptOf: (i: number) => readonly number[];
}

/** Yields what is found, each time more of it. */
export async function* askSaid(run: QuestionedRun, options: SaidOptions): AsyncGenerator<SaidFindings> {
  const { tokenizer } = run.run;
  const source = Buffer.from(bytesOf(run.dataset.train, tokenizer).bytes.buffer);
  let found: SaidFindings = { seed: run.seed, checkpoint: options.checkpoint, tokens: TOKENS, rows: [] };
  let first: string[] | undefined;
  for (const opening of openings(run, options.prompts ?? [])) {
    for (const temperature of TEMPERATURES) {
      const { texts } = await samplesOf(run, opening, temperature);
      first ??= texts;
      const row: SaidRow = { prompt: opening.name, temperature, ...counted(texts, source) };
      found = { ...found, rows: [...found.rows, row] };
      yield found;
    }
  }
  const lengths = first!.map((text) => Buffer.byteLength(text));
  const pieces = piecesOf(source, lengths, run.seed).map((piece) => piece.toString().replace(/^\ufffd+|\ufffd+$/g, ''));
  found = { ...found, text: { prompt: 'training text', ...counted(pieces, source) } };
  yield found;
  const entries = options.block ?? toxicEntries([...first!, ...pieces]);
  if (entries.length === 0) return;
  yield { ...found, block: await blocked(run, first!, entries, options.block ? 'given' : 'found') };
}

/** Nothing; the beginnings of lines that it has not seen, where there are such; and the user's prompts. */
function openings({ run: { tokenizer, model }, dataset, seed }: QuestionedRun, prompts: readonly string[]): Opening[] {
  const start = openingTokens(tokenizer);
  const lines = beginnings(tokenizer.decode(dataset.validation.subarray(0, 2 ** 20)), tokenizer);
  const most = Math.max(1, Math.floor(model.config.blockSize / 2));
  const given = prompts.map((prompt): Opening => {
    const ids = tokenizer.encode(prompt).slice(-most);
    if (ids.length === 0) throw new UserError('A prompt is empty: give a text a line.');
    return { name: shown(prompt), promptOf: () => ids };
  });
  return [
    { name: 'nothing', promptOf: () => start },
    ...(lines.length > 0
      ? [
          {
            name: 'beginnings of held-out lines',
            promptOf: (i: number) => lines[mix(seed, i) % lines.length].slice(-most),
          },
        ]
      : []),
    ...given,
  ];
}

/** A prompt on a page: one line, private strings masked. */
const shown = (prompt: string): string => `"${masked(prompt, privateItems(prompt)).replace(/\s+/g, ' ').slice(0, 80)}"`;

/** The first words of lines that have more than those, as tokens. */
const beginnings = (text: string, tokenizer: Tokenizer): number[][] =>
  text
    .split('\n')
    .slice(1) // the first may be cut
    .map((line) => line.trim())
    .filter((line) => line.length > 2 * BEGINNING)
    .map((line) =>
      tokenizer.encode(line.slice(0, line.lastIndexOf(' ', BEGINNING)).trim() || line.slice(0, BEGINNING)),
    );

async function samplesOf(
  run: QuestionedRun,
  { name, promptOf }: Opening,
  temperature: number,
  block?: BlockedTexts,
): Promise<{ texts: string[]; cutShort: number }> {
  const { model, tokenizer } = run.run;
  const prompts = Array.from({ length: run.samples }, (_, i) => promptOf(i));
  const what = `samples from ${name.startsWith('"') ? 'a prompt' : name}${block ? ', words blocked' : ''}`;
  const blocking = block && { block: { texts: block, tokenizer } };
  const made = await continued(model, prompts, { ...run, tokens: TOKENS, temperature, what, ...blocking });
  return {
    texts: made.map((ids) => tokenizer.decode(ids)),
    cutShort: made.filter(({ length }) => length < TOKENS).length,
  };
}

/** The samples from nothing once more, with the same seed: those that hold nothing blocked stay as they were. */
async function blocked(
  run: QuestionedRun,
  before: readonly string[],
  entries: readonly string[],
  list: BlockFindings['list'],
): Promise<BlockFindings> {
  const [opening] = openings(run, []);
  const { texts, cutShort } = await samplesOf(run, opening, TEMPERATURES[0], new BlockedTexts(entries));
  const clean = before.map((text) => toxicRate([text]).samples === 0);
  const changed = texts.map((text, i) => text !== before[i]);
  const cleanOnes = clean.filter(Boolean).length;
  return {
    ...{ list, entries: entries.length, before: toxicRate(before), after: toxicRate(texts) },
    changed: changed.filter(Boolean).length / texts.length,
    changedClean: cleanOnes > 0 ? changed.filter((is, i) => is && clean[i]).length / cleanOnes : 0,
    ...{ cutShort, repetition: repetitionOf(texts) },
  };
}
