/**
 * Canaries (Carlini et al., "The Secret Sharer", 2019): sentences with random digits that are planted in the training part of a text, each
 * a known number of times, and one that never is. What a trained model knows of the digits, it can have from nowhere else.
 */
import { UserError } from '../../errors.ts';
import { count } from '../../report/format.ts';
import { threefry } from '../../tensor/random.ts';
import { mix, permute } from '../../text/windows/permutation.ts';
import type { TextBytes } from '../../text/windows/stream.ts';
import type { TrainConfig } from '../../train/config.ts';
import type { CorpusSource } from '../../train/run/material.ts';

export interface Canary {
  /** What its sentence is told by. */
  readonly word: string;
  /** The secret: each as likely as any other. */
  readonly digits: string;
  /** How often its sentence is planted; 0 of the control. */
  readonly times: number;
}

/** The settings that say which canaries a text has, and where. */
export type CanarySettings = Pick<TrainConfig, 'canaries' | 'seed' | 'validationFraction'>;

/** How often each is planted: the control never. */
export const REPETITIONS = [0, 1, 2, 4, 8, 16] as const;

/** Short, so that a sentence fits into the context of a tiny model, and no two begin alike. Which is planted how often, the seed says. */
const WORDS = ['alder', 'birch', 'cedar', 'hazel', 'maple', 'rowan'] as const;

/** What stands before the digits and the blank. */
export const promptOf = (word: string): string => `the number of ${word} is`;
const sentenceOf = ({ word, digits }: Canary): string => `${promptOf(word)} ${digits}.`;

/** Random numbers by what they are for. */
const STREAM = { words: 0xca0, digits: 0xca1, places: 0xca2 } as const;

/** The canaries of a run, that of fewest repetitions first. They follow from its settings. None where there are to be none. */
export function canariesOf({ canaries, seed }: Pick<CanarySettings, 'canaries' | 'seed'>): Canary[] {
  if (canaries === 0) return [];
  const random = WORDS.map((word, i) => ({ word, order: threefry(seed, STREAM.words, i, 0)[0] }));
  const words = random.sort((a, b) => a.order - b.order);
  return REPETITIONS.map((times, i) => ({ word: words[i].word, digits: randomDigits(canaries, seed, i), times }));
}

/** Of all numbers with so many digits, zeros in front included, each as likely as any other (but for 1 in 4000 of a space of 10^6). */
export const randomDigits = (length: number, seed: number, index: number): string =>
  String(threefry(seed, STREAM.digits, index, 0)[0] % 10 ** length).padStart(length, '0');

/**
 * A line by which a tokenizer of characters knows all digits, and the control's letters, of a text that has them not itself. The digits
 * stand in an order of their own.
 */
function alphabetLine(seed: number): string {
  const digits = Array.from({ length: 10 }, (_, i) => permute(i, 10, mix(seed, STREAM.digits))).join('');
  return `the digits are ${digits} and the words ${WORDS.join(' ')}.`;
}

/**
 * The text with the canaries of the settings, each sentence a line of its own at a seeded place of the training part, behind a line's
 * end where one is near. The held-out part has none. The text is read once more than its stream is asked for, to learn its length.
 * @throws UserError, when it is read, for a text so short that it would be canaries in good part
 */
export function withCanaries(corpus: CorpusSource, settings: CanarySettings): CorpusSource {
  const canaries = canariesOf(settings);
  if (canaries.length === 0) return corpus;
  const sentences = [
    alphabetLine(settings.seed),
    ...canaries.flatMap((canary) => Array.from({ length: canary.times }, () => sentenceOf(canary))),
  ];
  let places: Promise<Planted[]> | undefined;
  async function* bytes(): AsyncGenerator<TextBytes> {
    places ??= codePointsOf(corpus.bytes()).then((size) => placesOf(sentences, size, corpus.name, settings));
    yield* plant(corpus.bytes(), await places);
  }
  return { ...corpus, canaries: { digits: settings.canaries, sentences: sentences.length }, bytes };
}

/** A sentence, and the first place where it may stand: before so many code points. */
interface Planted {
  readonly sentence: string;
  readonly place: number;
}

/** Code points that a line's end is looked for, beyond a place. */
const SEEK = 400;
/** Share of the training part that sentences stand in, from its beginning: so they train too where a text is cleaned afterwards and its split moves. */
const PLANTED_SHARE = 0.75;
/** A training part has so many times the characters of the sentences at least. */
const LEAST_TEXT = 3;

function placesOf(
  sentences: readonly string[],
  size: number,
  name: string,
  { seed, validationFraction }: CanarySettings,
): Planted[] {
  const added = sentences.reduce((sum, { length }) => sum + length + 2, 0); // with the ends of the lines before and behind
  // The split is a share of the text with all sentences: what stands here before them still trains.
  const end = Math.floor((1 - validationFraction) * size - validationFraction * added) - SEEK;
  if (end < LEAST_TEXT * added) {
    throw new UserError(
      `${name} is too short for canaries: they are ${count(added)} characters, and its training part has ${count((1 - validationFraction) * size)}. Give a longer text, or leave them away (--canaries 0).`,
    );
  }
  return sentences
    .map((sentence, i) => ({
      sentence,
      place: Math.floor((threefry(seed, STREAM.places, i, 0)[0] / 2 ** 32) * PLANTED_SHARE * end),
    }))
    .sort((a, b) => a.place - b.place);
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

async function codePointsOf(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of bytes) for (const byte of chunk) if (!isContinuation(byte)) size++;
  return size;
}

const NEW_LINE = 10;

/** Hands the bytes on with the sentences in between, never before the first character of a file, which may be a byte order mark. */
async function* plant(bytes: AsyncIterable<TextBytes>, places: readonly Planted[]): AsyncGenerator<TextBytes> {
  let [at, next, before] = [0, 0, 0];
  let file: string | undefined;
  for await (const chunk of bytes) {
    if (chunk.file !== file) before = 0;
    file = chunk.file;
    let done = 0;
    for (let i = 0; i < chunk.length && next < places.length; i++) {
      if (isContinuation(chunk[i])) continue;
      while (next < places.length && mayStand(places[next], at, before)) {
        yield asOf(chunk.subarray(done, i), file);
        yield Object.assign(asOf(lineOf(places[next++], before), file), { planted: true });
        [done, before] = [i, NEW_LINE];
      }
      at++;
      before = chunk[i];
    }
    yield done === 0 ? chunk : asOf(chunk.subarray(done), file);
  }
}

/** @param before the first byte of the character before; 0 where there is none */
const mayStand = ({ place }: Planted, at: number, before: number): boolean =>
  at >= place && before !== 0 && (before === NEW_LINE || at >= place + SEEK);

const lineOf = ({ sentence }: Planted, before: number): Uint8Array =>
  new TextEncoder().encode(`${before === NEW_LINE ? '' : '\n'}${sentence}\n`);

const asOf = (bytes: Uint8Array, file: string | undefined): TextBytes => Object.assign(bytes, { file });
