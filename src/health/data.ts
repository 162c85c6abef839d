/**
 * What can be wrong with a text before anything is learned from it: passages that are there twice, a held-out part that is known from the
 * training part or is too small to tell, tokens that cannot be learned. The thresholds stand between what clean texts showed and what
 * texts with a fault do; each says what was measured.
 */
import { mean, sampleStandardDeviation } from 'simple-statistics';
import { percent } from '../report/format.ts';
import { findBlocks } from '../text/ngrams/copies.ts';
import type { NgramScore } from '../text/ngrams/score.ts';
import { trainTokenizer } from '../text/tokenizers/tokenizer.ts';
import type { Tokenizer } from '../text/tokenizers/types.ts';
import type { Tokens } from '../text/windows/dataset.ts';
import type { Finding } from './finding.ts';

/** The two parts of a text, in the tokens of its run. */
export interface DataParts {
  readonly train: Tokens;
  readonly validation: Tokens;
  readonly tokenizer: Tokenizer;
}

/**
 * A passage: two lines or so, in bytes. Of passages of 64 bytes clean source code repeats 5% and tables of names 1%; of 128 bytes
 * novels, dictionaries and speeches repeat at most 0.2%, source code at most 2.3%, a manual 0.4%.
 */
const PASSAGE_BYTES = 128;

/** Repeated passages that are no accident: Perl's library, with its licences, has 6%; a package that carries two versions of itself 8%. */
const REPEATED = 0.15;

/** Held-out passages known from training: clean texts have at most 1.3%, mails that are answered and passed on 7%, two versions of a library 24%. */
const OVERLAP = 0.05;

/** A passage in tokens, never so few that they are a common phrase. */
export const passageOf = ({ train, tokenizer }: DataParts): number =>
  Math.max(8, Math.ceil(PASSAGE_BYTES / bytesPerToken(train, tokenizer)));

function bytesPerToken(tokens: Tokens, tokenizer: Tokenizer): number {
  let bytes = 0;
  times(tokens, tokenizer).forEach((count, token) => {
    if (count > 0) bytes += count * tokenizer.tokenBytes(token).length;
  });
  return bytes / tokens.length;
}

/** How often each token of the vocabulary occurs. */
function times(tokens: Tokens, { vocabSize }: Tokenizer): Uint32Array {
  const counts = new Uint32Array(vocabSize);
  for (const token of tokens) counts[token]++;
  return counts;
}

const share = (found: Uint8Array): number => (found.length === 0 ? 0 : mean([...found]));

/** Passages of the training text that stood in it before. */
export function repeatedText(parts: DataParts): Finding | undefined {
  const size = passageOf(parts);
  const repeated = share(findBlocks(parts.train, parts.train, size));
  if (repeated < REPEATED) return undefined;
  return {
    name: 'repeated-text',
    severity: 'problem',
    sentence: `${percent(repeated)} of the training text stands in it before, word for word (in passages of ${size} tokens).`,
    advice: {
      sentence:
        'Leave what is there twice out of the text: the model learns it by heart, and the rest gets fewer of the steps.',
    },
  };
}

/** Passages of the held-out text that are known from training. One alone may be an accident. */
export function validationOverlap(parts: DataParts): Finding | undefined {
  const size = passageOf(parts);
  const found = findBlocks(parts.validation, parts.train, size);
  const known = share(found);
  if (known < OVERLAP || found.filter(Boolean).length < 2) return undefined;
  return {
    name: 'validation-overlap',
    severity: 'problem',
    sentence: `${percent(known)} of the held-out text stands word for word in the training text (in passages of ${size} tokens): its loss says how much was learned by heart.`,
    advice: {
      sentence: 'Take out of the text what is there twice, or hold out texts that share nothing with the others.',
    },
  };
}

/** Losses of held-out windows, by the model or by n-grams, whose spread is much the same. */
export type HeldOutLosses = Pick<NgramScore, 'windows' | 'tokens'> & { readonly deviation?: number };

/** Windows from which their spread can be told. */
const FEW_WINDOWS = 8;

/** Nats a token to which a held-out loss should be known, as twice its standard error: presets, optimizers and steps differ by no more. */
const USEFUL_BAND = 0.1;

/** Standard error of the mean loss: that of windows, whose tokens go together; of few windows that of tokens, which is a lower bound. */
export function standardError({ windows, tokens, deviation = Number.NaN }: HeldOutLosses): number {
  if (windows.length < FEW_WINDOWS) return deviation / Math.sqrt(tokens);
  return sampleStandardDeviation(windows.map(({ loss }) => loss)) / Math.sqrt(windows.length);
}

/** A held-out part too small to tell runs apart. */
export function smallValidation(losses: HeldOutLosses, validationFraction: number): Finding | undefined {
  const band = 2 * standardError(losses);
  if (band <= USEFUL_BAND) return undefined;
  const needed = Math.ceil((losses.tokens * (band / USEFUL_BAND) ** 2) / 100) * 100;
  const fraction = Number((validationFraction * (needed / losses.tokens)).toPrecision(2));
  return {
    name: 'validation-small',
    severity: 'problem',
    sentence: `The held-out text has ${losses.tokens} tokens, too few for its digits: its loss is known to ±${band.toFixed(2)} nats a token, and smaller differences between runs or steps say nothing.`,
    advice:
      fraction <= 0.3
        ? {
            sentence: `Hold out more: ${needed} tokens give ±${USEFUL_BAND}.`,
            settings: { validationFraction: fraction },
          }
        : { sentence: `Take a longer text, of which ${needed} tokens can be held out: they give ±${USEFUL_BAND}.` },
  };
}

/** Held-out tokens that training never shows. Fitted vocabularies leave up to 1.5%, OpenAI's on a megabyte of speeches 4.7%, on 100 kB of a novel 13%. */
const UNSEEN = 0.06;

/** Held-out tokens that the training text does not have: the model can learn nothing of them. */
export function unseenTokens({ train, validation, tokenizer }: DataParts): Finding | undefined {
  const [seen, heldOut] = [times(train, tokenizer), times(validation, tokenizer)];
  const unseen = heldOut.reduce((sum, count, token) => sum + (seen[token] > 0 ? 0 : count), 0) / validation.length;
  if (!(unseen >= UNSEEN)) return undefined;
  const never = seen.reduce((sum, count) => sum + (count > 0 ? 0 : 1), 0) / seen.length;
  return {
    name: 'vocabulary-unseen',
    severity: 'problem',
    sentence: `${percent(unseen)} of the held-out tokens never occur in the training text, nor do ${percent(never)} of the vocabulary of ${tokenizer.vocabSize}.`,
    advice: {
      sentence: 'Take a smaller vocabulary (--tokenizer bpe:512, or char), or a longer text.',
      settings: { tokenizer: tokenizer.kind === 'char' || tokenizer.vocabSize <= 512 ? 'byte' : 'bpe:512' },
    },
  };
}

/** Bytes a token, as a share of those of a vocabulary of the same size made for the text: one of another kind of English has 0.8 to 0.9, one of a novel 0.63 on source code, one of Latin letters 0.1 to 0.5 on others. */
const UNFIT = 0.75;
/** What such a vocabulary is made from, and its size at most: a second or two. */
const SAMPLE_TOKENS = 200_000;
const MOST_VOCABULARY = 2048;

/** Pieces of words that were made for another text. Characters and bytes fit every text in their way. */
export async function unfitTokenizer({ train, tokenizer }: DataParts): Promise<Finding | undefined> {
  if (tokenizer.kind === 'char' || tokenizer.kind === 'byte') return undefined;
  const sample = train.subarray(0, SAMPLE_TOKENS);
  const text = tokenizer.decode(sample);
  const size = Math.min(MOST_VOCABULARY, tokenizer.vocabSize);
  const own = await trainTokenizer(`bpe:${Math.max(size, 257)}`, async function* () {
    yield text;
  });
  const bytes = bytesPerToken(sample, tokenizer);
  const possible = (bytes * sample.length) / own.encode(text).length;
  if (!(bytes < UNFIT * possible)) return undefined;
  return {
    name: 'tokenizer-unfit',
    severity: 'problem',
    sentence: `A token is ${bytes.toFixed(1)} bytes of this text, where pieces made for it (bpe:${own.vocabSize}) are ${possible.toFixed(1)}: the vocabulary is of another kind of text.`,
    advice: {
      sentence: `Train with a tokenizer of the text's own: --tokenizer bpe:${size}.`,
      settings: { tokenizer: `bpe:${size}` },
    },
  };
}

/** All findings on a text, the gravest for the validation's meaning first. */
export async function dataFindings(
  parts: DataParts,
  losses: HeldOutLosses,
  validationFraction: number,
): Promise<Finding[]> {
  const findings = [
    validationOverlap(parts),
    smallValidation(losses, validationFraction),
    repeatedText(parts),
    unseenTokens(parts),
    await unfitTokenizer(parts),
  ];
  return findings.filter((finding) => finding !== undefined);
}
