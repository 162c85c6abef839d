/** The weights of a model of Hugging Face's as its files have them: with or without prefix, head and masks, in one file or several. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import { parameterSpecs } from '../model/parameters.ts';
import { styleOf } from '../model/styles.ts';
import { quote, short } from '../quote.ts';
import { checkJson, damaged, FileName } from '../schema.ts';
import type { TensorFile } from './safetensors.ts';
import type { TensorEntry } from './safetensorsHeader.ts';

const Index = z.object({ weight_map: z.record(z.string(), FileName) });

/** The files that an index, model.safetensors.index.json, says a model is in. @throws UserError when it is damaged */
export function indexedFiles(json: string, fileName: string): string[] {
  const { weight_map } = checkJson(Index, json, damaged(fileName, 'Fetch the model again.'));
  const files = [...new Set(Object.values(weight_map))];
  if (files.length > 0) return files.sort();
  throw new UserError(`${fileName} is damaged: it names no file. Fetch the model again.`);
}

/** Masks and frequencies that were saved with the weights: they follow from the config. */
const BUFFER = /\.attn\.(?:masked_)?bias$|(?:^|\.)rotary_emb\.inv_freq$/;

interface Stored {
  readonly file: TensorFile;
  readonly entry: TensorEntry;
}

/** Bytes that are compared at once. */
const CHUNK = 1 << 24;

/** A model's tensors by our names. */
export class StoredModel {
  private readonly tensors = new Map<string, Stored>();
  /** What the embedding of tokens and the head are called. */
  private readonly tokens: string;
  private readonly head: string;
  /** Tensors that were passed over. */
  readonly buffers: readonly string[];

  /** @throws UserError when a tensor is there twice */
  constructor(
    files: readonly TensorFile[],
    private readonly style: string,
  ) {
    const { tokens, head } = styleOf({ style }).names;
    this.tokens = `${tokens}.weight`;
    this.head = `${head}.weight`;
    const prefix = tokens.replace(/[^.]+$/, ''); // of all but the head, which is kept beside them
    const buffers: string[] = [];
    for (const file of files) {
      for (const [theirs, entry] of file.entries) {
        const name = theirs.startsWith(prefix) || theirs === this.head ? theirs : prefix + theirs;
        if (BUFFER.test(name)) buffers.push(theirs);
        else if (this.tensors.has(name)) throw new UserError(`${file.fileName} has ${quote(theirs)} a second time.`);
        else this.tensors.set(name, { file, entry });
      }
    }
    this.buffers = buffers;
  }

  /** The dtypes of its numbers. */
  get types(): string[] {
    return [...new Set([...this.tensors.values()].map(({ entry }) => entry.dtype))];
  }

  /**
   * The config as the weights have it, of `vocabSize` tokens: a head that is not the token embedding makes the model one with a
   * head of its own. Fewer tokens than rows are what padding leaves.
   * @throws UserError when tensors are missing, of another shape, or none of such a model's
   */
  fit(config: ModelConfig, vocabSize: number): ModelConfig {
    const tied = config.tieEmbeddings && this.isTied();
    const own = { ...config, tieEmbeddings: tied };
    const specs = parameterSpecs(own, styleOf(own));
    for (const { name, shape } of specs) this.require(name, shape);
    const known = new Set([...specs.map(({ name }) => name), this.head]);
    const stray = [...this.tensors].find(([name]) => !known.has(name));
    if (stray) {
      const [, { file, entry }] = stray;
      throw new UserError(
        `${file.fileName} holds the tensor ${quote(entry.name)}, which no ${config.style} model has that can be computed here.`,
      );
    }
    return { ...own, vocabSize };
  }

  /** The numbers of a tensor of so many elements: of padded ones the first. @throws UserError when one is NaN or infinite */
  numbers(name: string, count: number): Float32Array {
    const { file, entry } = this.tensors.get(name)!;
    const numbers = file.numbers(entry, count);
    if (numbers.every(Number.isFinite)) return numbers;
    throw new UserError(
      `${file.fileName}: ${quote(entry.name)} holds numbers that are NaN or infinite. Fetch the model again, or choose another.`,
    );
  }

  private require(name: string, shape: readonly number[]): void {
    const stored = this.tensors.get(name);
    const fits = 'and the one that config.json describes needs it';
    if (!stored) throw new UserError(`the weights of this ${this.style} model have no ${quote(name)}, ${fits}.`);
    const { file, entry } = stored;
    if (entry.shape.join() === shape.join()) return;
    const sizes = `(${short(entry.shape.join(', '))}), and by config.json it must be (${shape.join(', ')})`;
    throw new UserError(`${file.fileName}: ${quote(entry.name)} is ${sizes}.`);
  }

  /** Whether the head is the token embedding: absent, or the same bytes. */
  private isTied(): boolean {
    const head = this.tensors.get(this.head);
    const tokens = this.tensors.get(this.tokens);
    if (!head || !tokens) return true;
    const size = head.entry.end - head.entry.begin;
    if (head.entry.dtype !== tokens.entry.dtype || size !== tokens.entry.end - tokens.entry.begin) return false;
    for (let at = 0; at < size; at += CHUNK) {
      const [a, b] = [head, tokens].map(({ file, entry }) => file.bytes(entry, CHUNK, at));
      if (Buffer.compare(a, b) !== 0) return false;
    }
    return true;
  }
}
