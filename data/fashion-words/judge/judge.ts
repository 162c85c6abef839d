/** Scores of a model that draws: is it what was asked for, also where the words never stood together, how likely are real pictures, and is anything copied? */
import { mean, quantile } from 'simple-statistics';
import { mix } from '../../../src/text/windows/permutation.ts';
import type { AskedModel, Judged, Picture, Score } from '../../domain.ts';
import type { Lines, Shown } from '../lines.ts';
import { sheetSvg } from '../sheet.ts';
import { isHeldOut, KINDS, type Kind, type Said } from '../words.ts';
import { type Labelled, PictureClassifier } from './classifier.ts';
import { CountedPictures } from './likelihood.ts';
import { NearestPictures } from './nearest.ts';

/** A picture of the test part, whose caption tells everything. */
interface Real extends Shown {
  readonly said: Said;
}

/** Real pictures by what they are for. */
interface Reals {
  readonly train: readonly Shown[];
  /** Of combinations that were trained on. */
  readonly seen: readonly Real[];
  /** Of combinations that were not: some to teach the judge that they exist, the others to be judged by. */
  readonly shownToJudge: readonly Real[];
  readonly unseen: readonly Real[];
}

/** How much is drawn of either kind, how long the judge learns, and how much is shown. */
interface Size {
  readonly samples: number;
  readonly judgeSteps: number;
  readonly shown: number;
}

const FULL: Size = { samples: 500, judgeSteps: 1500, shown: 32 };
const QUICK: Size = { samples: 64, judgeSteps: 300, shown: 16 };

/** What there is of combinations that were trained on, and of those that were not. */
type Both<T> = Readonly<Record<'seen' | 'unseen', T>>;

/** One after the other: the engine has one at a time. */
async function forBoth<T>(make: (which: 'seen' | 'unseen') => Promise<T>): Promise<Both<T>> {
  const seen = await make('seen');
  return { seen, unseen: await make('unseen') };
}

/** Temperatures at which samples are judged, first that at which `dawnlm draw` draws unless told otherwise. */
const TEMPERATURES = [0.7, 1] as const;

/** A sample this near to a training picture looks the same: root mean square of 255ths. */
const SAME = 6;

/** All scores of a model that was trained on lines of pictures. */
export async function judgePictures(
  lines: Lines,
  asked: AskedModel,
  size: Size = asked.quick ? QUICK : FULL,
): Promise<Judged> {
  const reals = readReals(lines, asked.parts);
  const judge = await trainJudge(lines, reals, asked, size.judgeSteps);
  const shares = (pictures: readonly Real[]): Promise<Accuracies> => accuracies(judge, lines, pictures);
  const ceilings = await forBoth((which) => shares(reals[which]));
  const wanted = { seen: reals.seen.slice(0, size.samples), unseen: reals.unseen.slice(0, size.samples) };
  const accuracy: Score[][] = [];
  let first: Both<Drawn[]> | undefined;
  for (const temperature of TEMPERATURES) {
    asked.say(`drawing ${wanted.seen.length + wanted.unseen.length} pictures at temperature ${temperature}`);
    const drawn = await forBoth((which) => draw(lines, asked, wanted[which], temperature));
    const judged = await forBoth((which) => shares(drawn[which]));
    const floors = await forBoth((which) => shares(shuffledWords(drawn[which], asked.seed)));
    accuracy.push(accuracyScores(judged, ceilings, floors, temperature));
    first ??= drawn;
  }
  judge.dispose();
  const likelihood = await likelihoodScores(lines, asked, reals, size.samples);
  const { scores, nearest } = copyScores(lines, reals, first!.seen, wanted.seen);
  const pictures = await picturesOf(lines, first!, reals, nearest, size.shown);
  return { scores: [...accuracy.flat(), ...likelihood, ...scores], pictures, notes: NOTES };
}

const NOTES = [
  'The judge is a classifier of this project, trained on real pictures as the codebook shows them; of the combinations that the model never saw it was shown some, so that it knows them, and is asked about others.',
  'Its ceiling is what it finds in real pictures of the test part, its floor what it finds where the words of the samples are shuffled.',
];

function readReals(lines: Lines, { train, test }: AskedModel['parts']): Reals {
  const shown = (text: string): Shown[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => lines.read(line));
  const all = shown(test) as Real[];
  const heldOut = all.filter(({ said }) => isHeldOut(said));
  return {
    train: shown(train),
    seen: all.filter(({ said }) => !isHeldOut(said)),
    shownToJudge: heldOut.filter((_, i) => i % 2 === 0),
    unseen: heldOut.filter((_, i) => i % 2 === 1),
  };
}

const isTold = ({ said }: Shown): boolean => KINDS.every((kind) => said[kind] !== undefined);

/** A classifier that has learned from the training pictures of which everything is told, and from some of combinations that these lack. */
async function trainJudge(lines: Lines, reals: Reals, asked: AskedModel, steps: number): Promise<PictureClassifier> {
  const { words } = lines.captions;
  const sizes = Object.fromEntries(KINDS.map((kind) => [kind, words[kind].length])) as Record<Kind, number>;
  const judge = new PictureClassifier(asked.engine, sizes, asked.seed);
  const labelled = [...(reals.train.filter(isTold) as Real[]), ...reals.shownToJudge].map(
    ({ said, codes }): Labelled => ({ said, picture: () => lines.codebook.decode(codes) }),
  );
  asked.say(`training the judge on ${labelled.length} pictures`);
  await judge.train(labelled, steps, () => asked.signal?.throwIfAborted());
  return judge;
}

/** What was drawn for words. */
interface Drawn extends Real {
  readonly line: string;
}

async function draw(lines: Lines, asked: AskedModel, like: readonly Real[], temperature: number): Promise<Drawn[]> {
  const captions = like.map(({ said }) => lines.captions.caption(said));
  const written = await asked.write(captions, { temperature });
  return written.map((text, i) => ({ said: like[i].said, codes: lines.codes(text), line: captions[i] + text }));
}

/** Shares of pictures in which the judge finds the word of each kind, and all of them. */
type Accuracies = Readonly<Record<Kind | 'all', number>>;

async function accuracies(judge: PictureClassifier, lines: Lines, pictures: readonly Real[]): Promise<Accuracies> {
  const found = await judge.classify(pictures.map(({ codes }) => lines.codebook.decode(codes)));
  const share = (isRight: (i: number) => boolean): number => mean(pictures.map((_, i) => Number(isRight(i))));
  const agree = (i: number, kind: Kind): boolean => found[i][kind] === pictures[i].said[kind];
  const byKind = KINDS.map((kind) => [kind, share((i) => agree(i, kind))]);
  return { ...Object.fromEntries(byKind), all: share((i) => KINDS.every((kind) => agree(i, kind))) } as Accuracies;
}

/** The pictures with the words of others among them. */
function shuffledWords(pictures: readonly Real[], seed: number): Real[] {
  const turn = 1 + (mix(seed, pictures.length) % Math.max(1, pictures.length - 1));
  return pictures.map((picture, i) => ({ ...picture, said: pictures[(i + turn) % pictures.length].said }));
}

const IN_WORDS = {
  all: 'all four words',
  thing: 'the thing',
  colour: 'the colour',
  size: 'the size',
  place: 'the place',
} as const;

function accuracyScores(
  judged: Both<Accuracies>,
  ceilings: Both<Accuracies>,
  floors: Both<Accuracies>,
  temperature: number,
): Score[] {
  const at = temperature === TEMPERATURES[0] ? '' : `, at temperature ${temperature}`;
  const score = (which: 'seen' | 'unseen', kind: Kind | 'all'): Score => ({
    ...{ name: `${IN_WORDS[kind]} as asked for${which === 'seen' ? '' : ', combinations never seen'}${at}` },
    ...{ value: judged[which][kind], better: 'higher', digits: 3 },
    baselines: [
      { name: 'real pictures', value: ceilings[which][kind] },
      { name: 'shuffled words', value: floors[which][kind] },
      { name: 'share of the ceiling', value: judged[which][kind] / ceilings[which][kind] },
    ],
  });
  const kinds =
    temperature === TEMPERATURES[0]
      ? (['all', 'thing', 'colour', 'size', 'place'] as const)
      : (['all', 'thing'] as const);
  return (['seen', 'unseen'] as const).flatMap((which) => kinds.map((kind) => score(which, kind)));
}

/** Nats of real pictures after their captions. */
async function likelihoodScores(
  lines: Lines,
  asked: AskedModel,
  { train, seen, unseen }: Reals,
  most: number,
): Promise<Score[]> {
  asked.say('scoring real pictures');
  const counted = new CountedPictures(
    train.map(({ codes }) => codes),
    lines.codebook.size,
  );
  const known = new Set(train.flatMap(({ codes }) => codes)); // a model has no token for a code that it never read
  const score = async (name: string, reals: readonly Real[]): Promise<Score> => {
    const some = reals.filter(({ codes }) => codes.every((code) => known.has(code))).slice(0, most);
    const texts = some.map(({ said, codes }) => ({ prompt: lines.captions.caption(said), text: lines.spell(codes) }));
    const counts = some.map(({ codes }) => counted.nats(codes));
    return {
      ...{ name, value: mean(await asked.nats(texts)), unit: 'nats', better: 'lower', digits: 1 },
      baselines: [
        { name: 'neighbours counted', value: mean(counts.map(({ neighbours }) => neighbours)) },
        { name: 'codes by place', value: mean(counts.map(({ places }) => places)) },
        { name: 'chance', value: mean(counts.map(({ chance }) => chance)) },
      ],
    };
  };
  return [await score('nats a picture', seen), await score('nats a picture, combinations never seen', unseen)];
}

/** A sample beside what it is nearest to. */
interface Pair {
  readonly drawn: Drawn;
  readonly index: number;
  readonly distance: number;
}

/** How near samples are to what was learned from, beside how near pictures are that nobody learned from. */
function copyScores(
  lines: Lines,
  { train }: Reals,
  drawn: readonly Drawn[],
  real: readonly Real[],
): { scores: Score[]; nearest: Pair[] } {
  const nearest = new NearestPictures(
    train.map(({ codes }) => codes),
    lines.codebook,
  );
  const pairs = drawn.filter(lines.isWhole).map((one) => ({ drawn: one, ...nearest.nearest(one.codes) }));
  const samples = pairs.map(({ distance }) => distance);
  const others = real.map(({ codes }) => nearest.nearest(codes).distance);
  const copies = (distances: readonly number[]): number => distances.filter((distance) => distance < SAME).length;
  const row = (name: string, of: (distances: number[]) => number, digits: number, better: Score['better']): Score => ({
    ...{ name, value: of(samples), digits, better },
    baselines: [{ name: 'real pictures that were kept aside', value: of(others) }],
  });
  const scores =
    samples.length === 0
      ? []
      : [
          row(`copies among ${samples.length} samples`, copies, 0, 'lower'),
          row('distance to the nearest training picture, median (255ths)', (all) => quantile(all, 0.5), 1, 'neither'),
          row('the same, of the nearest 5%', (all) => quantile(all, 0.05), 1, 'neither'),
        ];
  return { scores, nearest: pairs.sort((a, b) => a.distance - b.distance) };
}

async function picturesOf(
  lines: Lines,
  { seen, unseen }: Both<readonly Drawn[]>,
  { train }: Reals,
  nearest: readonly Pair[],
  count: number,
): Promise<Picture[]> {
  const sheet = (drawn: readonly Drawn[]): Promise<string> =>
    sheetSvg(
      lines,
      drawn.slice(0, count).map(({ line }) => line),
    );
  const pairs = nearest
    .slice(0, count / 4)
    .flatMap(({ drawn, index }) => [drawn.line, lines.line(train[index].said, train[index].codes)]);
  return [
    { title: 'Drawn for words of combinations that were trained on', svg: await sheet(seen) },
    { title: 'Drawn for combinations of thing and colour that were never seen', svg: await sheet(unseen) },
    { title: 'The samples that are nearest to a training picture, each beside it', svg: await sheetSvg(lines, pairs) },
  ];
}
