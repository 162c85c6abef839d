/** The texts of the study: one that is made, of a public novel with known doses of what is looked for, and real mails. */
import { readFileSync } from 'node:fs';
import { findCorpus } from '../../data/corpora.ts';
import { openPackages } from '../../data/files.ts';
import { SPAM } from '../../data/packages.ts';
import { corpusFile } from '../../data/prepare.ts';
import type { Say } from '../../src/node/npm.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import { masked, privateItems } from '../../src/trust/data/private/private.ts';
import { toxicWords } from '../../src/trust/data/toxic.ts';
import { type Canary, canariesOf } from '../../src/trust/memory/canaries.ts';
import { canarySentences, DIGITS, type Doses, type PlantedItem, planted } from './doses.ts';

export const KINDS = ['made', 'mails'] as const;
export type TextKind = (typeof KINDS)[number];

/** Documents to train on, and two held-out texts: one as dirty as those, and one without what is looked for. */
export interface StudyText {
  readonly train: readonly string[];
  readonly raw: string;
  readonly clean: string;
  readonly canaries: readonly Canary[];
  /** Private items that stand in the training part, with the words before them. */
  readonly items: readonly PlantedItem[];
}

/** What stands between documents. */
export const BETWEEN = '\n\n';

export interface TextSize {
  /** Characters of the training part before anything is planted. */
  readonly characters: number;
  readonly doses: Doses;
}

/** A tenth of what is trained on is held out, twice. */
const HELD_OUT = 0.1;

/** @throws UserError when the mails cannot be fetched */
export const studyText = (kind: TextKind, size: TextSize, seed: number, say: Say): Promise<StudyText> =>
  kind === 'made' ? madeText(size, seed) : mailText(size, seed, say);

/** Paragraphs of the novel in which neither detector finds anything: what is found later was planted. */
async function paragraphs(): Promise<string[]> {
  const novel = readFileSync(await corpusFile(findCorpus('moby-dick')!, () => undefined), 'utf8');
  const all = novel.split(/\n\s*\n/).map((text) => text.trim());
  return all.filter((text) => text.length > 80 && !hasFault(text));
}

const hasFault = (text: string): boolean => toxicWords(text).length + privateItems(text).length > 0;

async function madeText({ characters, doses }: TextSize, seed: number): Promise<StudyText> {
  const all = await paragraphs();
  const held = HELD_OUT * characters;
  const from = mix(seed, 1) % all.length;
  const [train, raw, clean] = cut([...all.slice(from), ...all.slice(0, from)], [characters, held, held]);
  const { lines, items, canaries } = planted(doses, seed);
  const copies = copiesOf(train, doses.copied, seed);
  const fewer = {
    ...doses,
    items: Math.round(HELD_OUT * doses.items),
    toxic: Math.round(HELD_OUT * doses.toxic),
    biased: Math.round(HELD_OUT * doses.biased),
  };
  const others = planted(fewer, mix(seed, 2)).lines.filter((line) => !line.startsWith('the number of'));
  return {
    train: scattered([...train, ...copies, ...lines], seed),
    raw: scattered([...raw, ...others], seed).join(BETWEEN),
    clean: clean.join(BETWEEN),
    ...{ canaries, items },
  };
}

/** Neighbouring stretches of documents with so many characters each. */
function cut(documents: readonly string[], sizes: readonly number[]): string[][] {
  let at = 0;
  return sizes.map((size) => {
    const part: string[] = [];
    for (let sum = 0; sum < size && at < documents.length; at++) {
      part.push(documents[at]);
      sum += documents[at].length + BETWEEN.length;
    }
    return part;
  });
}

/** Further copies of some paragraphs, with a letter changed in every second copy: then they are nearly the same. */
function copiesOf(documents: readonly string[], each: number, seed: number): string[] {
  return [2, 4, 8].flatMap((times, kind) =>
    Array.from({ length: each }, (_, i) => documents[mix(seed, 100 * kind + i) % documents.length]).flatMap((text, i) =>
      Array.from({ length: times - 1 }, (_, copy) =>
        copy % 2 === 0 ? text : altered(text, mix(seed, 1000 * i + copy)),
      ),
    ),
  );
}

function altered(text: string, draw: number): string {
  const at = draw % text.length;
  return `${text.slice(0, at)}x${text.slice(at + 1)}`;
}

/** In an order that the seed draws. */
function scattered(documents: readonly string[], seed: number): string[] {
  const order = documents.map((text, i) => ({ text, draw: mix(seed, 7_000_000 + i) }));
  return order.sort((a, b) => a.draw - b.draw).map(({ text }) => text);
}

/** Characters of a mail that are taken. */
const LONGEST_MAIL = 2500;
/** Characters before a private item that a model is given. */
const PROMPT = 40;

/** Mails as they came, with the lines that say who wrote to whom: nothing of them is shown, or written anywhere but into the run. */
async function mailText({ characters }: TextSize, seed: number, say: Say): Promise<StudyText> {
  const files = await openPackages([SPAM], say);
  const names = await Promise.all(
    ['easy-ham-1', 'spam-1'].map(async (at) =>
      (await files.list(SPAM, `data/${at}`)).map((name) => `data/${at}/${name}`),
    ),
  );
  const order = scattered(
    names.flat().filter((name) => name.endsWith('.txt')),
    seed,
  );
  const documents: string[] = [];
  const wanted = characters * (1 + 2 * HELD_OUT);
  for (let [i, sum] = [0, 0]; sum < wanted && i < order.length; i++) {
    const mail = readable(await files.read(SPAM, order[i], 'latin1'));
    if (mail === undefined) continue;
    documents.push(mail);
    sum += mail.length + BETWEEN.length;
  }
  const held = HELD_OUT * characters;
  const [mails, raw, clean] = cut(documents, [characters, held, held]);
  const canaries = canariesOf({ canaries: DIGITS, seed });
  return {
    train: scattered([...mails, ...canarySentences(canaries)], seed),
    raw: raw.join(BETWEEN),
    clean: clean.filter((text) => !hasFault(text)).join(BETWEEN) || clean.map(withoutFaults).join(BETWEEN),
    ...{ canaries, items: itemsIn(mails) },
  };
}

/** Who wrote to whom about what, and the body; undefined of mails whose body is no plain text. */
function readable(mail: string): string | undefined {
  const [, head, body] = /^([\s\S]*?)\r?\n\r?\n([\s\S]*)$/.exec(mail) ?? [];
  if (head === undefined || /^content-(?:transfer-encoding:\s*base64|type:\s*(?:multipart|text\/html))/im.test(head))
    return undefined;
  const lines = head.split(/\r?\n/).filter((line) => /^(?:From|To|Cc|Subject):/i.test(line));
  const text = body.split(/\r?\n/).filter((line) => line.length < 200 && !/<\/?[a-z]+[^>]*>/i.test(line));
  return [...lines, '', ...text]
    .join('\n')
    .replace(/\n\s*\n/g, '\n\n')
    .slice(0, LONGEST_MAIL)
    .trim();
}

/** Private data masked, and the lines away that hold an insult. */
const withoutFaults = (text: string): string =>
  masked(text, privateItems(text))
    .split('\n')
    .filter((line) => toxicWords(line).length === 0)
    .join('\n');

/** Addresses and numbers of a text, each with what stands before it and how often it is there. */
function itemsIn(documents: readonly string[]): PlantedItem[] {
  const found = new Map<string, { prompt: string; times: number }>();
  for (const text of documents) {
    for (const { start, end } of privateItems(text)) {
      const item = text.slice(start, end);
      const before = found.get(item);
      if (before) before.times++;
      else found.set(item, { prompt: text.slice(Math.max(0, start - PROMPT), start), times: 1 });
    }
  }
  const items = [...found]
    .map(([item, rest]) => ({ item, ...rest }))
    .filter(({ prompt, item }) => prompt.trim() !== '' && item.length >= 6);
  return [
    ...items.filter(({ times }) => times === 1).slice(0, MOST_ITEMS),
    ...items.filter(({ times }) => times > 1).slice(0, MOST_ITEMS),
  ];
}
/** Of each of the two kinds: there once, and more often. */
const MOST_ITEMS = 40;
