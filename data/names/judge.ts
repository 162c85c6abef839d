/** Who judges names: their letters by n-grams, whether they are new, and whether they are of whom they were asked for. */
import { mean, sum } from 'simple-statistics';
import { shuffled } from '../../src/text/labels/labelled.ts';
import type { AskedModel, DomainParts, Judged, Score } from '../domain.ts';
import { isName, namesIn, promptOf, SEXES, type Sex, type SexedName, spelled } from './names.ts';
import { NameNgrams, NamesBySex } from './ngrams.ts';

/** Names that are drawn; the less in a quick judgement. */
const SAMPLES = { quick: 200, full: 1000 };
/** Names of each sex that a note shows. */
const SHOWN = 12;

/** Of names that were drawn, those that have the form of one and are in no part, each once, whatever their case and sex. */
export function freshOf(drawn: readonly SexedName[], parts: DomainParts): SexedName[] {
  const known = Object.values(parts).flatMap((text) => namesIn(text).map(({ name }) => name.toLowerCase()));
  const seen = new Set(known);
  return drawn.filter(({ name }) => {
    const key = name.toLowerCase();
    return isName(name) && !seen.has(key) && seen.add(key);
  });
}

/** Other ways of writing names: n-grams that know of sex, that do not, and letters that do not even know of those before them. */
interface Rivals {
  readonly bySex: NamesBySex;
  readonly together: NameNgrams;
  readonly letters: NameNgrams;
}

/** The judge of the domain `names`: see card.md. */
export async function judge(asked: AskedModel): Promise<Judged> {
  const train = namesIn(asked.parts.train);
  const all = train.map(({ name }) => name);
  const rivals = { bySex: new NamesBySex(train), together: new NameNgrams(all), letters: new NameNgrams(all, 1) };
  const tested = namesIn(asked.parts.test);
  const fresh = await freshSamples(asked, rivals);
  return {
    scores: [
      ...(await likelihoodScores(asked, tested, rivals)),
      noveltyScore(fresh),
      sexScore(fresh.model, tested, rivals.bySex, asked.seed),
    ],
    pictures: [],
    notes: SEXES.map((sex) => {
      const names = fresh.model.filter((one) => one.sex === sex).map(({ name }) => name);
      return `New names of ${sex}s that it wrote: ${names.slice(0, SHOWN).join(', ') || 'none'}.`;
    }),
  };
}

/** How likely the test part is, a name and in all: half of the prompts ask for girls, half for boys. */
async function likelihoodScores(asked: AskedModel, tested: readonly SexedName[], rivals: Rivals): Promise<Score[]> {
  const { bySex, together, letters } = rivals;
  const nats = await asked.nats(tested.map(({ sex, name }) => ({ prompt: promptOf(sex), text: `${name}\n` })));
  const baselines = [
    { name: 'n-grams of each sex', nats: tested.map((one) => bySex.nats(one)) },
    { name: 'n-grams of both', nats: tested.map(({ name }) => together.nats(name)) },
    { name: 'letters alone', nats: tested.map(({ name }) => letters.nats(name)) },
  ];
  const found = (costs: readonly number[]): number => (100 / SEXES.length) * sum(costs.map((cost) => Math.exp(-cost)));
  return [
    {
      ...{ name: 'nats a name', better: 'lower', value: mean(nats) },
      baselines: baselines.map((one) => ({ name: one.name, value: mean(one.nats) })),
      note: `Of ${tested.length} names of the test part and their ends, given whose they are; n-grams of up to five letters, by Kneser and Ney.`,
    },
    {
      ...{ name: 'names of the test part', better: 'higher', unit: '%', digits: 2, value: found(nats) },
      baselines: baselines.map((one) => ({ name: one.name, value: found(one.nats) })),
      note: 'What share of all samples would be one of these names, which people have and the model never read: the sum of their probabilities.',
    },
  ];
}

/** Samples that are in no part, of the model and of its rivals, and how many were drawn of each. */
interface Fresh {
  readonly drawn: number;
  readonly model: readonly SexedName[];
  readonly ngrams: readonly SexedName[];
  readonly letters: readonly SexedName[];
}

async function freshSamples(asked: AskedModel, rivals: Rivals): Promise<Fresh> {
  const { parts, seed } = asked;
  const drawn = asked.quick ? SAMPLES.quick : SAMPLES.full;
  asked.say(`drawing ${drawn} names`);
  const sexes = Array.from({ length: drawn }, (_, i) => SEXES[i % SEXES.length]);
  const texts = await asked.write(sexes.map(promptOf));
  const fresh = (nameOf: (sex: Sex, i: number) => string): SexedName[] =>
    freshOf(
      sexes.map((sex, i) => ({ sex, name: nameOf(sex, i) })),
      parts,
    );
  return {
    drawn,
    model: fresh((_, i) => texts[i]),
    ngrams: fresh((sex, i) => rivals.bySex.draw(sex, seed, i)),
    letters: fresh((_, i) => spelled(rivals.letters.draw(seed, i))),
  };
}

const noveltyScore = ({ drawn, model, ngrams, letters }: Fresh): Score => ({
  ...{ name: 'new names', better: 'neither', unit: '%', digits: 1, value: (100 * model.length) / drawn },
  baselines: [
    { name: 'n-grams of each sex', value: (100 * ngrams.length) / drawn },
    { name: 'letters alone', value: (100 * letters.length) / drawn },
    { name: 'copies of the train part', value: 0 },
  ],
  note: `Of ${drawn} samples, the share that has a name's form, is in no part and comes for the first time. It says little by itself: thrown letters are new as well.`,
});

/** Of new names alone: n-grams know those that they have learned from by heart, and would agree with every copy. */
function sexScore(fresh: readonly SexedName[], tested: readonly SexedName[], bySex: NamesBySex, seed: number): Score {
  const agreement = (names: readonly SexedName[]): number =>
    names.length === 0 ? 0 : 100 * mean(names.map(({ sex, name }) => Number(bySex.sexOf(name) === sex)));
  const sexes = shuffled(fresh, seed).map(({ sex }) => sex);
  return {
    ...{ name: 'sex as asked for', better: 'higher', unit: '%', digits: 1, value: agreement(fresh) },
    baselines: [
      { name: 'names of the test part', value: agreement(tested) },
      { name: 'prompts shuffled', value: agreement(fresh.map(({ name }, i) => ({ name, sex: sexes[i] }))) },
    ],
    note: `Of ${fresh.length} new names, the share of which n-grams that were trained on the train part say what the prompt had asked for.`,
  };
}
