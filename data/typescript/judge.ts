/** How well a model fills lines into files that it never saw. */
import { KneserNey } from '../../src/text/ngrams/kneserNey.ts';
import { NgramCounts } from '../../src/text/ngrams/ngrams.ts';
import { scoreBatches } from '../../src/text/ngrams/score.ts';
import type { Tokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { evaluationBatches } from '../../src/text/windows/windows.ts';
import { Evaluator } from '../../src/train/evaluate.ts';
import type { AskedModel, Judged, Score } from '../domain.ts';
import { openParser, type Parser } from './compiler.ts';
import { FORM_FEED, readFiles } from './files.ts';
import { copying, fromLeft, type MissingLine, missingLines, ngramWriter, similarity } from './lines.ts';
import { snippet } from './snippets.ts';

/** Lines that are taken out, and of a quick judgement. */
const LINES = { all: 500, quick: 100 };
/** Of these, the first ones to look at. */
const SHOWN = 12;
/** Tokens that a line may have. */
const LINE_TOKENS = 48;
/** Lines that are written from what stands before them alone: as many as `dawnlm complete` writes, drawn as there. */
const CANDIDATES = { temperature: 0.7, candidates: 8 };
/** Of the n-grams that stand beside the model: longer ones predict better, and no longer much. */
const ORDER = 8;
/** Batch of the left-to-right loss, and the batches of a quick judgement. */
const WINDOWS = 8;
const QUICK_BATCHES = 4;

/** Who wrote lines, and the lines. */
interface Written {
  readonly name: string;
  readonly lines: readonly string[];
}

/** The domain's scores. Of a model that was not trained to fill holes, those of what it writes after the prefix alone. */
export async function judgeCode(asked: AskedModel): Promise<Judged> {
  const { parts, quick, tokenizer, say } = asked;
  const parse = await openParser(say);
  const lines = missingLines(readFiles(parts.test), quick ? LINES.quick : LINES.all);
  const ngrams = new KneserNey(new NgramCounts(tokensOf(tokenizer, parts.train), ORDER, tokenizer.vocabSize));
  say(`${lines.length} lines of code are taken out of files that were kept aside, and written anew`);
  const { fills, by } = await writtenBy(asked, lines);
  const copies = copying(readFiles(parts.train));
  const all: Written[] = [
    ...by,
    { name: `${ORDER}-grams`, lines: lines.map(ngramWriter(ngrams, tokenizer, LINE_TOKENS)) },
    { name: 'line after the same line', lines: lines.map(copies.afterTheSame) },
    { name: 'line before', lines: lines.map(copies.before) },
    { name: 'commonest line', lines: lines.map(copies.commonest) },
    { name: 'nothing', lines: lines.map(() => '') },
  ];
  return {
    scores: [...lineScores(lines, all, parse), await lossScore(asked, ngrams)],
    pictures: lines.slice(0, SHOWN).map((line, i) => snippet(line, by[0].lines[i])),
    notes: [
      ...(fills
        ? []
        : ['The model was not trained to fill holes: its lines are written after what stands before them alone.']),
      `${quick ? 'A quick judgement. ' : ''}A share of ${lines.length} lines has a standard error of up to ${(50 / Math.sqrt(lines.length)).toFixed(1)} points.`,
    ],
  };
}

/** Lines by the model itself: from both sides where it was trained for that, and from what stands before them. */
async function writtenBy(asked: AskedModel, lines: readonly MissingLine[]): Promise<{ fills: boolean; by: Written[] }> {
  const withoutSuffix = { name: 'without suffix', lines: await writtenFromLeft(asked, lines) };
  if (asked.config.fillInMiddle === 0) return { fills: false, by: [withoutSuffix] };
  const settings = { tokens: LINE_TOKENS, stop: '\n' };
  const likeliest = { ...settings, temperature: 0 };
  return {
    fills: true,
    by: [
      { name: 'model', lines: await asked.fill(lines, settings) },
      { name: 'likeliest tokens', lines: await asked.fill(lines, likeliest) },
      {
        name: 'likeliest tokens, prefix first',
        lines: await asked.fill(lines, { ...likeliest, order: 'prefix first' }),
      },
      withoutSuffix,
    ],
  };
}

/** Lines written after what stands before them: as with both sides, of some candidates the likeliest. */
async function writtenFromLeft(
  { model, tokenizer, write, nats }: AskedModel,
  lines: readonly MissingLine[],
): Promise<string[]> {
  const { temperature, candidates } = CANDIDATES;
  const fromHere = lines.map(fromLeft);
  const prompts = fromHere.map(({ prompt }) => lastLines(prompt, tokenizer, model.config.blockSize - LINE_TOKENS));
  const each = prompts.flatMap((prompt) => Array<string>(candidates).fill(prompt));
  const written = await write(each, { temperature, tokens: LINE_TOKENS, stop: FORM_FEED });
  const questions = fromHere.map(({ upToEnd }, i) => {
    const texts = new Set(written.slice(i * candidates, (i + 1) * candidates).map(upToEnd));
    const whole = [...texts].filter((text) => text.trim() !== '' && tokenizer.encode(text).length <= LINE_TOKENS);
    return whole.map((text) => ({ prompt: prompts[i], text }));
  });
  const costs = await nats(questions.flat());
  return questions.map((own, i) => {
    const ownCosts = costs.splice(0, own.length);
    const best = ownCosts.reduce((least, cost, at) => (cost < ownCosts[least] ? at : least), 0);
    return fromHere[i].lineOf(own[best]?.text ?? '');
  });
}

/** As many whole lines from the end of a text as have so many tokens. */
function lastLines(text: string, tokenizer: Tokenizer, tokens: number): string {
  const lines = text.slice(-32 * tokens).split(/(?<=\n)/);
  let [from, left] = [lines.length, tokens - 1]; // one opens the prompt
  while (from > 0 && (left -= tokenizer.encode(lines[from - 1]).length) >= 0) from--;
  return lines.slice(from).join('');
}

/** Exact lines, how alike the others are, and how many files parse with them. */
function lineScores(lines: readonly MissingLine[], all: readonly Written[], parse: Parser): Score[] {
  const percent = (name: string, note: string, value: (line: MissingLine, written: string) => number): Score => {
    const [own, ...baselines] = all.map((one) => ({
      name: one.name,
      value: (100 * lines.reduce((sum, line, i) => sum + value(line, one.lines[i]), 0)) / lines.length,
    }));
    return { ...{ name, note, value: own.value, unit: '%', better: 'higher', digits: 1 }, baselines };
  };
  return [
    percent(
      'exact line',
      `Of ${lines.length} lines of code, those that are as they were, spaces around them aside.`,
      (line, text) => Number(text.trim() === line.truth),
    ),
    percent('edit similarity', '1 less the edits between the two lines as a share of the longer one.', (line, text) =>
      similarity(text.trim(), line.truth),
    ),
    percent(
      'files that parse',
      'Whole files with the line in its place in which the parser of TypeScript finds no mistake; with no line at all most do.',
      ({ file, prefix, suffix }, text) => Number(parse(file.name, prefix + text + suffix).length === 0),
    ),
  ];
}

const tokensOf = (tokenizer: Tokenizer, text: string): Uint32Array => Uint32Array.from(tokenizer.encode(text));

/** The loss on the files kept aside, read from left to right, which filling holes must not cost. */
async function lossScore({ model, tokenizer, parts, quick }: AskedModel, ngrams: KneserNey): Promise<Score> {
  const { blockSize } = model.config;
  const batches = evaluationBatches(tokensOf(tokenizer, parts.test), WINDOWS, blockSize);
  const most = quick ? QUICK_BATCHES : 0;
  const evaluator = new Evaluator(model, WINDOWS);
  const { loss, tokens } = await evaluator.score(batches, most).finally(() => evaluator.dispose());
  const baseline = scoreBatches(ngrams, batches, { blockSize, most });
  return {
    ...{ name: 'left-to-right loss', value: loss, unit: 'nats a token', better: 'lower' },
    baselines: [{ name: `${ORDER}-grams`, value: baseline.loss }],
    note: `${tokens} tokens of the files that were kept aside, as they stand.`,
  };
}
