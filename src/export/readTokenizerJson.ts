/** A tokenizer.json of Hugging Face's, read: byte-level BPE, and what `toTokenizerJson` writes. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { MOST } from '../model/styles.ts';
import { quote } from '../quote.ts';
import { check, type Refuse } from '../schema.ts';
import { ALPHABET, spellText, unspell } from '../text/tokenizers/bytes.ts';
import { cutOf } from '../text/tokenizers/pretokenize.ts';
import { type Tokenizer, type TokenizerFile, tokenizerFromJSON } from '../text/tokenizers/tokenizer.ts';
import type { AddedToken, Cut } from '../text/tokenizers/types.ts';
import { toTokenizerJson } from './tokenizerJson.ts';

/** A tokenizer as it was read, and what has to be known of it. */
export interface ReadTokenizer {
  readonly tokenizer: Tokenizer;
  readonly notes: readonly string[];
}

/** What a model says of its tokens: the rows of its embedding, and the tokens with which texts begin and end. */
export interface ModelTokens {
  readonly rows: number;
  readonly bos?: number;
  readonly eos?: number;
}

const no = z.literal(false).nullish();
const none = z.literal('').nullish();
const id = z.int().min(0).max(MOST.vocabSize);

const Vocabulary = z.record(z.string(), id);

const ByteLevel = z.object({
  type: z.literal('ByteLevel'),
  add_prefix_space: no,
  use_regex: z.boolean().default(true),
});
const Step = z.discriminatedUnion('type', [
  ByteLevel,
  z.object({ type: z.literal('Digits'), individual_digits: z.literal(true) }),
  z.object({
    ...{ type: z.literal('Split'), pattern: z.object({ Regex: z.string() }) },
    ...{ behavior: z.enum(['Isolated', 'Removed']), invert: z.boolean().default(false) },
  }),
]);
type Step = z.infer<typeof Step>;

/** What is believed of the file: all that changes ids has to be as it is computed here, or absent. */
const TokenizerJson = z.object({
  added_tokens: z
    .array(
      z.object({
        ...{
          id,
          content: z.string().min(1),
          special: z.boolean().default(false),
          normalized: z.boolean().default(true),
        },
        ...{ single_word: no, lstrip: no, rstrip: no },
      }),
    )
    .default([]),
  normalizer: z.null().optional(),
  pre_tokenizer: z.union([Step, z.object({ type: z.literal('Sequence'), pretokenizers: z.array(Step).max(8) })]),
  post_processor: z.unknown().optional(),
  decoder: z.object({ type: z.literal('ByteLevel') }),
  model: z.object({
    ...{ type: z.literal('BPE').default('BPE'), dropout: z.literal(0).nullish(), byte_fallback: no },
    ...{ continuing_subword_prefix: none, end_of_word_suffix: none, ignore_merges: z.boolean().nullish() },
    vocab: Vocabulary,
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
});
type TokenizerJson = z.infer<typeof TokenizerJson>;

/**
 * The tokenizer that a parsed tokenizer.json describes, with its ids. One that was written here becomes what it was.
 * @throws UserError that names what of it is not computed here, or does not fit the model
 */
export function fromTokenizerJson(json: unknown, model: ModelTokens, fileName = 'tokenizer.json'): ReadTokenizer {
  const refuse: Refuse = (problem) =>
    new UserError(
      `${fileName} describes no tokenizer that can be used here: ${problem}. Byte-level BPE is read, as GPT-2 and Llama 3 have it.`,
    );
  const own = ownTokenizer(json);
  if (own) return { tokenizer: own, notes: [] };
  const read = check(TokenizerJson, json, refuse);
  const added = addedTokens(read, refuse);
  const { spelled, kept, notes } = numbered(read, added, model.rows, refuse);
  const named = (token: number | undefined): number | undefined =>
    token !== undefined && token < spelled.length ? token : undefined;
  const file: TokenizerFile = {
    ...{ kind: 'imported', version: 1, tokens: spelled },
    merges: read.model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' '))),
    ...{ cuts: cutsOf(read, refuse), ignoreMerges: read.model.ignore_merges ?? false, added: kept },
    ...{ bos: named(model.bos), eos: named(model.eos) },
  };
  return { tokenizer: tokenizerFromJSON(file, fileName), notes: [...notes, ...beginning(read.post_processor)] };
}

/** The same of GPT-2's older files: tokens by their ids, and lines of pairs that merge. @throws UserError when they are not such */
export function fromVocabulary(vocab: unknown, merges: string, model: ModelTokens, fileName: string): ReadTokenizer {
  const lines = merges.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#version'));
  const end = (vocab as Record<string, unknown> | null)?.[END];
  const json = {
    added_tokens: end === undefined ? [] : [{ id: end, content: END, special: true, normalized: false }],
    pre_tokenizer: { type: 'ByteLevel' },
    decoder: { type: 'ByteLevel' },
    model: { vocab, merges: lines },
  };
  return fromTokenizerJson(json, model, fileName);
}
const END = '<|endoftext|>';

/** Longer ones are no tokens of ours: to look for all their halves would take long. */
const LONGEST_TOKEN = 512;

/** A tokenizer that was written here: the one that is written so again. */
function ownTokenizer(json: unknown): Tokenizer | undefined {
  const { success, data } = z.object({ model: z.object({ vocab: Vocabulary }) }).safeParse(json);
  if (!success) return undefined;
  const { vocab } = data.model;
  const tokens = Object.entries(vocab)
    .sort(([, a], [, b]) => a - b)
    .map(([token]) => token);
  if (tokens.length === 0 || tokens.some((token) => token.length > LONGEST_TOKEN)) return undefined;
  const ofBytes = ALPHABET.every((character, byte) => tokens[byte] === character);
  const kinds = ['bpe', 'cl100k', 'o200k'] as const;
  const bytes: TokenizerFile[] = [
    { kind: 'byte', version: 1 },
    ...kinds.map((kind) => ({ kind, version: 1 as const, tokens: tokens.slice(ALPHABET.length), mergeOnly: [] })),
  ];
  const ofCharacters: TokenizerFile[] = [
    { kind: 'char', version: 1, characters: tokens.join('') },
    { kind: 'pieces', version: 1, pieces: tokens },
  ];
  const files = ofBytes ? bytes : ofCharacters;
  const file = files.find((one) => isDeepStrictEqual(toTokenizerJson(one), json));
  return file && tokenizerFromJSON(file);
}

/** Added tokens under their ids: a text that the vocabulary has goes by the vocabulary. */
function addedTokens({ added_tokens, model: { vocab } }: TokenizerJson, refuse: Refuse): Map<string, AddedToken> {
  const added = new Map<string, AddedToken>();
  for (const { id, content, special, normalized } of added_tokens) {
    if (added.has(content)) throw refuse(`added_tokens has ${quote(content)} twice`);
    const own = Object.hasOwn(vocab, content) ? vocab[content] : id;
    added.set(content, { id: own, special, normalized });
  }
  return added;
}

/** All tokens by id. Of added ones, those that the model has no row for are left out. */
function numbered(
  { model: { vocab } }: TokenizerJson,
  added: ReadonlyMap<string, AddedToken>,
  rows: number,
  refuse: Refuse,
): { spelled: string[]; kept: AddedToken[]; notes: string[] } {
  const spelled: string[] = [];
  const place = (token: string, at: number): void => {
    if (spelled[at] !== undefined) throw refuse(`two tokens have the id ${at}`);
    spelled[at] = token;
  };
  for (const [token, at] of Object.entries(vocab)) {
    if (added.has(token)) continue;
    if (!unspell(token)) throw refuse(`the token ${quote(token)} is not spelled byte by byte`);
    if (at >= rows) throw refuse(`the token ${quote(token)} has the id ${at}, and the model has ${rows} rows`);
    place(token, at);
  }
  const beyond = [...added].filter(([, { id }]) => id >= rows);
  const kept = [...added].filter(([, { id }]) => id < rows);
  for (const [text, { id }] of kept) place(spellText(text), id);
  const hole = Array.from(spelled).indexOf(undefined as never);
  if (hole >= 0) throw refuse(`no token has the id ${hole}`);
  const notes = beyond.map(
    ([text, { id }]) => `the token ${quote(text)} (${id}) is left out: the model has no row for it`,
  );
  return { spelled, kept: kept.map(([, token]) => token), notes: notes.slice(0, 4) };
}

/** How text is cut into words. The last step turns bytes into letters; with a pattern of its own, GPT-2's, it cuts once more. */
function cutsOf({ pre_tokenizer: pre }: TokenizerJson, refuse: Refuse): Cut[] {
  const steps = pre.type === 'Sequence' ? pre.pretokenizers : [pre];
  if (steps.findIndex(({ type }) => type === 'ByteLevel') !== steps.length - 1) {
    throw refuse('pre_tokenizer must end in ByteLevel, and have it nowhere else');
  }
  return steps.flatMap((step) => cutOfStep(step, refuse));
}

function cutOfStep(step: Step, refuse: Refuse): Cut[] {
  if (step.type === 'ByteLevel') return step.use_regex ? ['r50k'] : [];
  if (step.type === 'Digits') return ['digits'];
  const cut = cutOf(step.pattern.Regex);
  if (!cut) throw refuse(`pre_tokenizer cuts text by a pattern that is not known here, ${quote(step.pattern.Regex)}`);
  if ((step.behavior === 'Removed') !== step.invert) throw refuse('pre_tokenizer leaves out a part of the text');
  return [cut];
}

const Template = z.object({
  type: z.literal('TemplateProcessing'),
  single: z.array(z.object({ SpecialToken: z.object({ id: z.string() }).optional() })),
});
const Processors = z.object({ type: z.literal('Sequence'), processors: z.array(z.unknown()).max(8) });

/** What Hugging Face's programs put around a text unasked. */
function beginning(processor: unknown): string[] {
  const all = Processors.safeParse(processor).data?.processors ?? [processor];
  const tokens = all.flatMap((one) => Template.safeParse(one).data?.single ?? []);
  const names = tokens.flatMap(({ SpecialToken }) => (SpecialToken ? [SpecialToken.id] : []));
  if (names.length === 0) return [];
  return [
    `transformers puts ${quote(names.join(' '))} around a text by itself; here it is to be written into the prompt`,
  ];
}
