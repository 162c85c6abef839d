/** How good a model's molecules are: whether they are any, whether they repeat or copy, and whether they are what was asked for. */
import { mean, min, sampleCorrelation, sum } from 'simple-statistics';
import type { AskedModel, Judged, Picture, Score } from '../domain.ts';
import { LineNgrams } from '../lineNgrams.ts';
import { type Molecule, type Properties, Rdkit } from './rdkit.ts';
import { sheet } from './sheet.ts';
import { ORDERS, PROPERTIES, promptFor, readLine, readWords, wordsOf } from './words.ts';

/** Samples at each temperature, of which so many valid ones tell how many repeat, and prompts with properties. */
const FULL = { temperatures: [1, 0.7, 1.3], samples: 1250, unique: 1000, asked: 600, scored: 600 };
const QUICK = { temperatures: [1], samples: 200, unique: 150, asked: 100, scored: 100 };
type Plan = typeof FULL;

/** Samples on a sheet of the page. */
const SHOWN = 12;

/** Scores a model of molecules. See `Domain`. */
export async function judgeMolecules(asked: AskedModel): Promise<Judged> {
  const plan = asked.quick ? QUICK : FULL;
  const rdkit = await Rdkit.open(asked.say);
  const letters = lettersOf(asked);
  const samples = await judgeSamples(asked, rdkit, letters, plan);
  const likely = await likelihood(asked, rdkit, letters, plan);
  const control = await askForProperties(asked, rdkit, plan);
  return {
    scores: [...samples.scores, likely, ...control.scores],
    pictures: [...samples.pictures, ...control.pictures],
    notes: [
      'New is what is not among the molecules of the training part; the same are those of one canonical SMILES, without stereochemistry.',
    ],
  };
}

/** Scores and pictures of a part of the judgement. */
interface Part {
  readonly scores: readonly Score[];
  readonly pictures: readonly Picture[];
}

async function judgeSamples(asked: AskedModel, rdkit: Rdkit, letters: Letters, plan: Plan): Promise<Part> {
  const known = new Set([...new Set(smilesIn(asked.parts.train))].map((smiles) => rdkit.canonical(smiles)!));
  const prompts = Array<string>(plan.samples).fill(promptFor(''));
  const byTemperature: { temperature: number; lines: string[] }[] = [];
  for (const temperature of plan.temperatures) {
    asked.say(`writing ${plan.samples} molecules at temperature ${temperature}`);
    const written = await asked.write(prompts, { temperature });
    byTemperature.push({ temperature, lines: written.map((text, i) => prompts[i] + text) });
  }
  const beside = { name: letters.name, found: look(rdkit, letters.write(plan.samples), known, plan) };
  const scores = byTemperature.flatMap(({ temperature, lines }) =>
    sampleScores(temperature, look(rdkit, lines.map(smilesOf), known, plan), temperature === 1 ? beside : undefined),
  );
  const { lines } = byTemperature.find(({ temperature }) => temperature === 1)!;
  const svg = sheet(rdkit, lines.slice(0, SHOWN));
  return { scores, pictures: [{ title: 'Samples at temperature 1, as they came', svg }] };
}

const smilesOf = (line: string): string => readLine(line).smiles;
const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);
/** The SMILES of a part, without those that begin at any atom. */
const smilesIn = (text: string): string[] =>
  linesOf(text).flatMap((line) => {
    const { smiles, isCanonical } = readLine(line);
    return isCanonical ? [smiles] : [];
  });

/** What samples are worth. */
interface Found {
  readonly valid: number;
  readonly unique: number;
  readonly fresh: number;
  /** Valid samples that `unique` was counted among. */
  readonly counted: number;
}

function look(rdkit: Rdkit, written: readonly string[], known: ReadonlySet<string>, { unique: most }: Plan): Found {
  const valid = written.flatMap((smiles) => rdkit.canonical(smiles) ?? []);
  const counted = valid.slice(0, most);
  const distinct = [...new Set(counted)];
  const fresh = distinct.filter((smiles) => !known.has(smiles)).length;
  return {
    valid: valid.length / written.length,
    unique: distinct.length / Math.max(1, counted.length),
    fresh: fresh / Math.max(1, distinct.length),
    counted: counted.length,
  };
}

function sampleScores(temperature: number, found: Found, beside?: { name: string; found: Found }): Score[] {
  const at = `at temperature ${temperature}`;
  const score = (name: string, of: (one: Found) => number, better: Score['better'], note: string): Score => ({
    ...{ name: `${name} ${at}`, value: of(found), better, note },
    baselines: beside ? [{ name: beside.name, value: of(beside.found) }] : [],
  });
  return [
    score('valid', ({ valid }) => valid, 'higher', 'Share of samples that RDKit takes for a molecule.'),
    score(
      'unique',
      ({ unique }) => unique,
      'higher',
      `Share of different ones among the first ${found.counted} valid samples.`,
    ),
    score('new', ({ fresh }) => fresh, 'neither', 'Share of the different ones that no training molecule is.'),
  ];
}

/** N-grams of characters, which know nothing of properties. */
interface Letters {
  readonly name: string;
  write(count: number): string[];
  /** Nats of a SMILES with its end. */
  nats(smiles: string): number;
}

function lettersOf({ parts, seed }: AskedModel): Letters {
  const texts = [parts.train, parts.validation].map((text) => `\n${smilesIn(text).join('\n')}\n`);
  const alphabet = [...new Set(texts.join(''))].sort(); // '\n' comes first
  const ids = new Map(alphabet.map((letter, id) => [letter, id]));
  const encode = (text: string): number[] => Array.from(text, (letter) => ids.get(letter) ?? 0);
  const [train, heldOut] = texts.map((text) => Uint16Array.from(encode(text)));
  const ngrams = LineNgrams.fit(train, heldOut, alphabet.length, 0);
  return {
    name: `${ngrams.order}-grams of characters`,
    write: (count) =>
      Array.from({ length: count }, (_, i) =>
        ngrams
          .write([], seed + i)
          .map((id) => alphabet[id])
          .join(''),
      ),
    nats: (smiles) => ngrams.nats(encode(smiles)),
  };
}

async function likelihood(asked: AskedModel, rdkit: Rdkit, letters: Letters, { scored }: Plan): Promise<Score> {
  const smiles = smilesIn(asked.parts.test).slice(0, scored);
  const [prompt, texts] = [promptFor(''), smiles.map((one) => linesWith(one, rdkit.molecule(one)!.properties))];
  const found = await asked.nats(texts.flat().map((line) => ({ prompt, text: line.slice(prompt.length) })));
  const natsOf = (_: string, i: number): number => natsOfAny(found.slice(i * ORDERS.length, (i + 1) * ORDERS.length));
  return {
    ...{ name: 'nats a molecule of the test part', value: mean(smiles.map(natsOf)), digits: 2, better: 'lower' },
    baselines: [{ name: letters.name, value: mean(smiles.map((text) => letters.nats(text))) }],
    note: 'Of its canonical SMILES and its end, with true words in any order before it.',
  };
}

/** Nats of any of some events that exclude each other. */
function natsOfAny(nats: readonly number[]): number {
  const least = min([...nats]);
  return least - Math.log(sum(nats.map((one) => Math.exp(least - one))));
}

/** All lines of a molecule: its words in each order. */
const linesWith = (smiles: string, properties: Properties): string[] =>
  ORDERS.map((order) => `${wordsOf(properties, 'canonical', order)}${smiles}\n`);

/** Asks for the properties of test molecules, and compares them with those of what is written. */
async function askForProperties(asked: AskedModel, rdkit: Rdkit, plan: Plan): Promise<Part> {
  const prompts = linesOf(asked.parts.test)
    .slice(0, plan.asked)
    .map((line) => readLine(line).words);
  asked.say(`asking for the properties of ${prompts.length} molecules`);
  const written = await asked.write(prompts);
  const found = pairs(rdkit, prompts, written);
  const words = wordsNgrams(asked);
  const beside = pairs(
    rdkit,
    prompts,
    prompts.map((prompt, i) => words.write(prompt, i)),
  );
  const scores = PROPERTIES.map(
    (name): Score => ({
      ...{ name: `${name}, asked against computed`, unit: 'r', value: correlation(found, name), better: 'higher' },
      baselines: [{ name: words.name, value: correlation(beside, name) }],
      note: `Correlation over the ${found.length} valid ones of ${prompts.length} molecules that were asked for by three properties of a test molecule.`,
    }),
  );
  const shown = prompts.slice(0, SHOWN).map((prompt, i) => `${prompt}${written[i]}`);
  const { scatter } = await import('./scatter.ts'); // takes a second, for its plots
  return {
    scores,
    pictures: [
      { title: 'What was asked for, and what came', svg: sheet(rdkit, shown) },
      {
        title: `Properties of ${found.length} molecules over those that were asked for`,
        svg: scatter(PROPERTIES.map((name) => ({ name, pairs: valuesOf(found, name) }))),
      },
    ],
  };
}

interface Pair {
  readonly asked: Partial<Properties>;
  readonly got: Molecule;
}

const pairs = (rdkit: Rdkit, prompts: readonly string[], written: readonly string[]): Pair[] =>
  written.flatMap((smiles, i) => {
    const got = rdkit.molecule(smiles);
    return got ? [{ asked: readWords(prompts[i]), got }] : [];
  });

const valuesOf = (found: readonly Pair[], name: keyof Properties) =>
  found.map(({ asked, got }) => ({ asked: asked[name]!, got: got.properties[name] }));

/** 0 of molecules that are all alike or too few: what was asked for tells nothing of them. */
function correlation(found: readonly Pair[], name: keyof Properties): number {
  if (found.length < 2) return 0;
  const values = valuesOf(found, name);
  const r = sampleCorrelation(
    values.map(({ asked }) => asked),
    values.map(({ got }) => got),
  );
  return Number.isNaN(r) ? 0 : r;
}

/** N-grams of the model's own tokens, which see the words in front as long as they reach. */
function wordsNgrams({ parts, tokenizer, seed }: AskedModel) {
  const [end] = tokenizer.encode('\n');
  const [train, heldOut] = [parts.train, parts.validation].map((text) =>
    Uint16Array.from(tokenizer.encode(`\n${text}`)),
  );
  const ngrams = LineNgrams.fit(train, heldOut, tokenizer.vocabSize, end);
  return {
    name: `${ngrams.order}-grams of tokens`,
    write: (prompt: string, i: number): string => tokenizer.decode(ngrams.write(tokenizer.encode(prompt), seed + i)),
  };
}
