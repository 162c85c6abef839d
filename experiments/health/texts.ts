/** Texts of several kinds to train on: a novel, program code, and sentences made by a grammar. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCorpus } from '../../data/corpora.ts';
import { corpusFile } from '../../data/prepare.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import type { CorpusSource } from '../../src/train/run/material.ts';

export const TEXTS = ['novel', 'code', 'scripts', 'grammar'] as const;
export type TextKind = (typeof TEXTS)[number];

/** A stretch of `characters` of a kind of text; `draw` says where it begins. */
export async function textOf(kind: TextKind, characters: number, draw: number): Promise<string> {
  if (kind === 'grammar') return made(characters, draw);
  const whole = await wholeOf(kind);
  const start = draw % Math.max(1, whole.length - characters);
  return whole.slice(start, start + characters);
}

async function wholeOf(kind: Exclude<TextKind, 'grammar'>): Promise<string> {
  if (kind === 'novel') return readFileSync(await corpusFile(findCorpus('moby-dick')!, () => undefined), 'utf8');
  const [name, folder, ext] = kind === 'code' ? ['zod', 'src/v4/core', '.ts'] : ['@observablehq/plot', 'src', '.js'];
  const root = fileURLToPath(new URL('../../node_modules/', import.meta.url));
  const files = readdirSync(join(root, name, folder), { recursive: true, encoding: 'utf8' });
  const wanted = files.filter((file) => file.endsWith(ext) && !/locales|tests/.test(file)).sort();
  return wanted.map((file) => readFileSync(join(root, name, folder, file), 'utf8')).join('\n');
}

const WORDS = {
  who: 'the sailor|a captain|the old man|my sister|the king|a merchant|the child|our neighbour|the doctor|a stranger',
  did: 'saw|carried|remembered|sold|found|painted|feared|followed|broke|forgot',
  what: 'the lamp|a letter|the silver coin|an old map|the harbour|his brother|a bird|the long road|bread|the river',
  when: 'at night|in the morning|before the storm|after supper|on Sunday|long ago|without a word|again',
} as const;

/** Sentences by a grammar, with numbers, so that some of it can be known and some cannot. */
function made(characters: number, draw: number): string {
  let [text, n] = ['', 0];
  const pick = (list: string): string => {
    const words = list.split('|');
    return words[mix(draw, n++) % words.length];
  };
  while (text.length < characters) {
    const when = mix(draw, n++) % 3 === 0 ? `, ${pick(WORDS.when)}` : '';
    const count = mix(draw, n++) % 5 === 0 ? ` and ${mix(draw, n++) % 1000} more` : '';
    text += `${pick(WORDS.who)} ${pick(WORDS.did)} ${pick(WORDS.what)}${count}${when}.${mix(draw, n++) % 4 === 0 ? '\n' : ' '}`;
  }
  return text.slice(0, characters);
}

/** A text in memory as training takes it. */
export const corpusOf = (name: string, text: string): CorpusSource => ({
  ...{ name, source: 'made for this study', licence: 'as its parts' },
  async *bytes() {
    yield new TextEncoder().encode(text);
  },
});
