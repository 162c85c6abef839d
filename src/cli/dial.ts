/** `--minutes`, `--operations`, `--depth`: measures the machine, chooses by the scaling law, and says what it chose and why. */
import {
  type Candidate,
  type Choice,
  candidates,
  choose,
  configOf,
  stepsForOperations,
  stepsForSeconds,
  stepsForSize,
  type TextSize,
  type Wishes,
} from '../cost/dial.ts';
import { composeForecast } from '../cost/forecast.ts';
import { anyLaw, type FoundLaw, lawFor } from '../cost/laws.ts';
import { measurePace, measureStep, type Pace } from '../cost/pace.ts';
import { RECIPE, shapeOfDepth } from '../cost/rule.ts';
import { type Probe, paceBetween } from '../cost/speed.ts';
import { textSizeOf } from '../cost/textSize.ts';
import { count, loss, plural } from '../report/format.ts';
import type { Engine } from '../tensor/engine.ts';
import { resolveConfig } from '../train/config.ts';
import type { CorpusSource } from '../train/run/material.ts';
import type { Dial } from '../train/runFolder.ts';
import { say } from './terminal/output.ts';

/** Turns the dial for a text on a machine. Returns what is to be trained. @throws UserError for what is no text */
export async function turnDial(engine: Engine, corpus: CorpusSource, dial: Dial, wishes: Wishes): Promise<Choice> {
  const text = await textSizeOf(corpus, resolveConfig(RECIPE, wishes));
  const found = lawFor(corpus.name, resolveConfig(RECIPE, wishes).tokenizer);
  const law = found?.law ?? anyLaw();
  let choice: Choice;
  if ('minutes' in dial) choice = await chooseByTime(engine, law, text, dial.minutes, wishes);
  else if ('operations' in dial) choice = choose(law, text, wishes, stepsForOperations(dial.operations));
  else choice = choose(law, text, { ...shapeOfDepth(dial.depth), ...wishes }, stepsForSize(law, text));
  say(choiceInWords(choice, dial, found));
  return choice;
}

/** Widths at which a machine's speed is measured, to know about those between and beyond. */
const MEASURED = [48, 128] as const;

async function chooseByTime(
  engine: Engine,
  law: FoundLaw['law'],
  text: TextSize,
  minutes: number,
  wishes: Wishes,
): Promise<Choice> {
  /** The minutes began with the process; the text that was read in this time is read and cut into tokens again. */
  const readingMs = performance.now() / 4;
  // its kernels are compiled by the time that its pace is known: that is no part of what is left
  const allowed = (one: Candidate, pace: Omit<Pace, 'memory'>): number => {
    const left = 60 * minutes - (performance.now() + readingMs) / 1000;
    const forecast = (steps: number): number =>
      composeForecast(configOf(one, steps), { ...pace, begin: 0, memory: [] }, forecastText(text)).seconds;
    return stepsForSeconds(left, pace.step, forecast);
  };
  const paceOf = await paces(engine, text, wishes);
  const guess = choose(law, text, wishes, (one) => allowed(one, paceOf(one.size.operations)));
  const measured = await measurePace(engine, guess.config, text.vocabSize, 1);
  // its size is fixed now, whatever the time that is left would say of it: what is measured is its speed
  const { nLayer, nHead, nEmbd } = guess.config;
  return choose(law, text, { ...wishes, nLayer, nHead, nEmbd }, (one) => allowed(one, measured));
}

const forecastText = ({ heldOutTokens: validationTokens, ...text }: TextSize) => ({ ...text, validationTokens });

/** The pace of models by their operations a token, from two that are among those to choose from, or the only one. */
async function paces(engine: Engine, text: TextSize, wishes: Wishes) {
  const models = candidates(text, wishes);
  const distance = (one: Candidate, width: number): number => Math.abs(one.config.nEmbd - width);
  const near = (width: number): Candidate =>
    models.reduce((best, one) => (distance(one, width) < distance(best, width) ? one : best));
  const [small, large] = MEASURED.map(near);
  const probe = async ({ config, size: { operations } }: Candidate): Promise<Probe> => ({
    operations,
    step: (await measureStep(engine, config, text.vocabSize, 1)).step,
  });
  const first = await probe(small);
  const second = small === large ? first : await probe(large);
  return (operations: number) => paceBetween(first, second, operations);
}

const PLACES = { char: 'a character', byte: 'a byte' } as const;

/** What was chosen, and why: two or three sentences. */
export function choiceInWords(
  { config, size, epochs, expected, textEnds }: Choice,
  dial: Dial,
  found?: FoundLaw,
): string {
  const { nLayer, nEmbd, blockSize, batchSize, steps, tokenizer } = config;
  const times = epochs < 10 ? epochs.toFixed(1) : Math.round(epochs);
  const model = `${plural(nLayer, 'layer')} of width ${nEmbd} (${count(size.parameters)} parameters), context ${blockSize}, batch ${batchSize}, ${plural(steps, 'step')}: the text is seen ${times} times.`;
  const why =
    'depth' in dial
      ? 'So long a training goes with this size by the scaling law.'
      : `By the scaling law no other size does better in ${'minutes' in dial ? plural(dial.minutes, 'minute') : `${dial.operations} operations`}.`;
  const ends = textEnds ? ' It ends early: more of the same text would only be learned by heart.' : '';
  return `chosen: ${model} ${why}${ends} ${lossInWords(expected, tokenizer, found)}`;
}

function lossInWords({ loss: nats, low, high }: Choice['expected'], tokenizer: string, found?: FoundLaw): string {
  if (!found) return `The law is one of single characters: of tokens by ${tokenizer} it promises no loss.`;
  if (low === high) return 'That is too short to expect more than guessing.';
  const band = `${loss(nats)} (${loss(low)} to ${loss(high)}) nats ${PLACES[tokenizer as keyof typeof PLACES]}`;
  return found.own ? `Expected: ${band}.` : `On ${found.law.corpus}, whose law this is, it would come to ${band}.`;
}
