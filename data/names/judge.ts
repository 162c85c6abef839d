/** Who judges names: their letters by n-grams, whether they are new, and whether they are of whom they were asked for. */
import { mean } from 'simple-statistics';
import { shuffled } from '../../src/text/labels/labelled.ts';
import type { AskedModel, DomainParts, Judged, Score } from '../domain.ts';
import { isName, namesIn, promptOf, SEXES, type SexedName } from './names.ts';
import { NameNgrams, NamesBySex } from './ngrams.ts';

/** Names that are drawn, and lines of the test part that are scored; the less in a quick judgement. */
const SAMPLES = { quick: 200, full: 1000 };
const TESTED = { quick: 200, full: Number.POSITIVE_INFINITY };
/** Names of each sex that a note shows. */
const SHOWN = 12;

/** What names come to, by which no sex was looked at. */
export interface Novelty {
  /** The first of each name that is in no part, in their order. */
  readonly fresh: readonly SexedName[];
  /** Different ones that are in the test part. */
  readonly found: number;
}

/** Counts names that have the form of one, each once, without regard to case and sex. */
export function noveltyOf(drawn: readonly SexedName[], parts: DomainParts): Novelty {
  const inPart = (text: string): Set<string> => new Set(namesIn(text).map(({ name }) => name.toLowerCase()));
  const [test, learned] = [parts.test, parts.train + parts.validation].map(inPart);
  const seen = new Set<string>();
  const fresh: SexedName[] = [];
  let found = 0;
  for (const one of drawn) {
    const key = one.name.toLowerCase();
    if (!isName(one.name) || learned.has(key) || seen.has(key)) continue;
    seen.add(key);
    if (test.has(key)) found++;
    else fresh.push(one);
  }
  return { fresh, found };
}

/** What other ways of writing names come to. */
interface Rivals {
  readonly bySex: NamesBySex;
  /** Which do not know of sex, or not even of the letters before. */
  readonly together: NameNgrams;
  readonly letters: NameNgrams;
}

/** The judge of the domain `names`: see card.md. */
export async function judge(asked: AskedModel): Promise<Judged> {
  const { parts, seed } = asked;
  const size = asked.quick ? 'quick' : 'full';
  const train = namesIn(parts.train);
  const all = train.map(({ name }) => name);
  const rivals = { bySex: new NamesBySex(train), together: new NameNgrams(all), letters: new NameNgrams(all, 1) };
  const tested = namesIn(parts.test).slice(0, TESTED[size]);
  const likelihood = await likelihoodScore(asked, tested, rivals);
  asked.say(`drawing ${SAMPLES[size]} names`);
  const sexes = Array.from({ length: SAMPLES[size] }, (_, i) => SEXES[i % 2]);
  const texts = await asked.write(sexes.map(promptOf));
  const drawn = sexes.map((sex, i) => ({ sex, name: texts[i] }));
  const byNgrams = sexes.map((sex, i) => ({ sex, name: rivals.bySex.draw(sex, seed, i) }));
  const byLetters = sexes.map((sex, i) => ({ sex, name: rivals.letters.draw(seed, i) }));
  const [own, ...others] = [drawn, byNgrams, byLetters].map((names) => noveltyOf(names, parts));
  return {
    scores: [likelihood, ...noveltyScores(own, others, drawn.length), sexScore(own.fresh, tested, rivals.bySex, seed)],
    pictures: [],
    notes: SEXES.map((sex) => {
      const names = own.fresh.filter((one) => one.sex === sex).map(({ name }) => name);
      return `New names of ${sex}s that it wrote: ${names.slice(0, SHOWN).join(', ') || 'none'}.`;
    }),
  };
}

async function likelihoodScore(asked: AskedModel, tested: readonly SexedName[], rivals: Rivals): Promise<Score> {
  const texts = tested.map(({ sex, name }) => ({ prompt: promptOf(sex), text: `${name}\n` }));
  return {
    ...{ name: 'nats a name', better: 'lower', value: mean(await asked.nats(texts)) },
    baselines: [
      { name: 'n-grams of each sex', value: mean(tested.map((one) => rivals.bySex.nats(one))) },
      { name: 'n-grams of both', value: mean(tested.map(({ name }) => rivals.together.nats(name))) },
      { name: 'letters alone', value: mean(tested.map(({ name }) => rivals.letters.nats(name))) },
    ],
    note: `Of ${tested.length} names of the test part and their ends, given whose they are; n-grams of up to five letters, by Kneser and Ney.`,
  };
}

function noveltyScores(own: Novelty, [ngrams, letters]: readonly Novelty[], drawn: number): Score[] {
  const share = (count: number): number => count / drawn;
  return [
    {
      ...{ name: 'new names', better: 'neither', value: share(own.fresh.length) },
      baselines: [
        { name: 'n-grams of each sex', value: share(ngrams.fresh.length) },
        { name: 'letters alone', value: share(letters.fresh.length) },
        { name: 'copies of the train part', value: 0 },
      ],
      note: `Of ${drawn} samples, the share that has a name's form, is in no part and comes for the first time. Whoever throws letters has the most.`,
    },
    {
      ...{ name: 'names of the test part', better: 'higher', value: share(own.found) },
      baselines: [
        { name: 'n-grams of each sex', value: share(ngrams.found) },
        { name: 'letters alone', value: share(letters.found) },
      ],
      note: 'Of the same samples, the share that is a name which people have and the model never read, each counted once.',
    },
  ];
}

/** Of new names alone: n-grams know those that they have learned from by heart, and would agree with every copy. */
function sexScore(fresh: readonly SexedName[], tested: readonly SexedName[], bySex: NamesBySex, seed: number): Score {
  const agreement = (names: readonly SexedName[]): number =>
    names.length === 0 ? 0 : mean(names.map(({ sex, name }) => Number(bySex.sexOf(name) === sex)));
  const sexes = shuffled(fresh, seed).map(({ sex }) => sex);
  return {
    ...{ name: 'sex as asked for', better: 'higher', value: agreement(fresh) },
    baselines: [
      { name: 'names of the test part', value: agreement(tested) },
      { name: 'prompts shuffled', value: agreement(fresh.map(({ name }, i) => ({ name, sex: sexes[i] }))) },
    ],
    note: `Of ${fresh.length} new names, the share of which n-grams that were trained on the train part say what the prompt had asked for.`,
  };
}
