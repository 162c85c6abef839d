/** What a run learns from: a text as windows, or prompts and answers. */
import { hashing } from '../../node/files.ts';
import { readChat } from '../../text/chat/chat.ts';
import { ChatBatches, chatEvaluation, chatParts } from '../../text/chat/chatBatches.ts';
import type { ChatTemplate } from '../../text/chat/chatTemplate.ts';
import { type Tokenizer, trainTokenizer } from '../../text/tokenizers/tokenizer.ts';
import { CopyingWindows } from '../../text/windows/copying.ts';
import { buildDataset, type DataCard, type Dataset, measureText, type Tokens } from '../../text/windows/dataset.ts';
import { FilledWindows } from '../../text/windows/fillInMiddle.ts';
import { type TextBytes, utf8Chunks } from '../../text/windows/stream.ts';
import { type Batch, type CountedBatches, evaluationBatches, lineBegins, Windows } from '../../text/windows/windows.ts';
import type { TrainConfig } from '../config.ts';
import { contextHalvings } from '../schedule.ts';

/** A text to train on: what its data card says, and a fresh stream of its bytes at each call. */
export interface CorpusSource {
  /** Short, fit for a folder's name. */
  name: string;
  source: string;
  licence: string;
  /** Of a file or folder that can be read again: its absolute path. */
  path?: string;
  /** Of a text that canaries are planted in: see src/trust/memory/canaries.ts. */
  canaries?: DataCard['canaries'];
  /** Of a text that was freed of something: see src/trust/data/clean.ts. */
  clean?: DataCard['clean'];
  bytes: () => AsyncIterable<TextBytes>;
}

/** The tokens of a run. */
export interface Material {
  readonly tokenizer: Tokenizer;
  readonly card: DataCard;
  /** A pure function of the index, from 0. */
  readonly train: { batch(index: number): Batch };
  readonly validation: CountedBatches;
  /** Of a text: its two parts as tokens. */
  readonly tokens?: Pick<Dataset, 'train' | 'validation'>;
}

/** Those of a text, whose tokens are at hand. */
export type TextMaterial = Material & { readonly dataset: Dataset };

/** A text as windows, its end held out; a tokenizer is trained on it unless one is given. @throws UserError for text that cannot be used */
export async function textMaterial(
  corpus: CorpusSource,
  config: TrainConfig,
  given?: Tokenizer,
): Promise<TextMaterial> {
  const hash = hashing(corpus.bytes());
  const chunks = () => utf8Chunks(corpus.bytes(), corpus.name);
  // the first walk over the text hashes it and refuses what is no text
  for await (const _ of utf8Chunks(hash.stream, corpus.name));
  const tokenizer = given ?? (await trainTokenizer(config.tokenizer, chunks));
  const { blockSize, validationFraction } = config;
  const dataset = await buildDataset(chunks, tokenizer, { name: corpus.name, blockSize, validationFraction });
  return {
    tokenizer,
    dataset,
    card: { ...cardOf(corpus, config, tokenizer), sha256: hash.digest(), ...dataset.counts },
    train: trainingWindows(dataset.train, tokenizer, config),
    validation: heldOutBatches(dataset.validation, tokenizer, config),
    tokens: dataset,
  };
}

/** Batches of a training text. @throws UsageError for windows that are to be rearranged and a tokenizer that cannot mark their parts */
function trainingWindows(tokens: Tokens, tokenizer: Tokenizer, config: TrainConfig): Material['train'] {
  const windows = new Windows(tokens, { ...config, lines: linesOf(tokens, tokenizer, config) });
  const { gradientAccumulation, copyFraction, fillInMiddle, steps } = config;
  const piecesOf = (index: number): number => 2 ** contextHalvings(Math.floor(index / gradientAccumulation), config);
  const text = fillInMiddle > 0 ? new FilledWindows(windows, tokenizer, { ...config, piecesOf }) : windows;
  const copied = Math.round(copyFraction * steps) * gradientAccumulation;
  if (copied === 0) return text;
  const copying = new CopyingWindows(windows, { ...config, piecesOf });
  return { batch: (index) => (index < copied ? copying : text).batch(index) };
}

type Cut = Pick<TrainConfig, 'batchSize' | 'blockSize' | 'wholeLines'>;

/** Where lines begin, for a run whose windows do. */
function linesOf(tokens: Tokens, tokenizer: Tokenizer, { wholeLines, blockSize }: Cut): Uint32Array | undefined {
  if (!wholeLines) return undefined;
  const isEnd = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.tokenBytes(id).at(-1) === LINE_END);
  return lineBegins(tokens, isEnd, blockSize);
}
const LINE_END = 10;

/** A text that is held out as batches of a run's size, its windows filled with whole lines if the run's begin where lines do. */
export const heldOutBatches = (tokens: Tokens, tokenizer: Tokenizer, cut: Cut): CountedBatches =>
  evaluationBatches(tokens, cut.batchSize, cut.blockSize, linesOf(tokens, tokenizer, cut));

/** Prompts and answers from JSON lines, some held out; the loss is on the answers. @throws UserError for a file that cannot be used */
export async function chatMaterial(
  corpus: CorpusSource,
  config: TrainConfig,
  tokenizer: Tokenizer,
  template: ChatTemplate,
): Promise<Material> {
  const hash = hashing(corpus.bytes());
  let content = '';
  for await (const chunk of utf8Chunks(hash.stream, corpus.name)) content += chunk;
  const { duplicates, cut, ...parts } = chatParts(readChat(content, corpus.name), tokenizer, { template, ...config });
  const tokensIn = (part: typeof parts.train): number => part.reduce((sum, { ids }) => sum + ids.length, 0);
  const counts = { trainTokens: tokensIn(parts.train), validationTokens: tokensIn(parts.validation) };
  const size = await measureText(utf8Chunks(corpus.bytes(), corpus.name));
  return {
    tokenizer,
    card: { ...cardOf(corpus, config, tokenizer), sha256: hash.digest(), ...size, ...counts, duplicates, cut },
    train: new ChatBatches(parts.train, config),
    validation: chatEvaluation(parts.validation, config.batchSize, config.blockSize),
  };
}

const cardOf = (corpus: CorpusSource, config: TrainConfig, { vocabSize }: Tokenizer) => ({
  ...{ name: corpus.name, source: corpus.source, licence: corpus.licence },
  ...{ ...(corpus.canaries && { canaries: corpus.canaries }), ...(corpus.clean && { clean: corpus.clean }) },
  ...{ tokenizer: config.tokenizer, vocabularySize: vocabSize },
});
