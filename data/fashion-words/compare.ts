/**
 * What a codebook of patches is worth beside a palette of colours: npx tsx data/fashion-words/compare.ts [steps of each classifier]. The same paintings
 * in each form, how far they are from what was painted, and what a classifier that learns from them can tell of others in that form.
 */
import { fileURLToPath } from 'node:url';
import { waitWithBackOff } from '../../src/node/backOff.ts';
import { openAdapter } from '../../src/node/drivers.ts';
import { Engine } from '../../src/tensor/engine.ts';
import { Chances } from '../chances.ts';
import { openPackages } from '../files.ts';
import { readCodebook } from './codebooks.ts';
import { PACKAGES, THINGS } from './icons.ts';
import { PictureClassifier } from './judge/classifier.ts';
import { npmModels } from './npm.ts';
import { PIXELS, SIDE } from './paint.ts';
import { anySaid, paintSaid } from './parts.ts';
import { COLOUR_NAMES, COLOURS, KINDS, PLACES, SIZES } from './words.ts';

const PICTURES = { train: 4000, test: 1000 };
const SEED = 17;
/** Shades of each colour in the palette, from the colour itself to almost white, and black. */
const SHADES = [0, 0.25, 0.5, 0.75];

/** A picture as its tokens show it. */
interface Form {
  readonly name: string;
  readonly tokens: number;
  readonly vocabulary: number;
  readonly show: (picture: Uint8Array) => Uint8Array;
}

const palette: readonly number[][] = [
  ...Object.values(COLOURS).flatMap((tint) => SHADES.map((share) => tint.map((part) => part + (255 - part) * share))),
  [255, 255, 255],
];

/** Squares of pixels, each in the colour of the palette that is nearest to their mean. */
const byPalette = (side: number): Form => ({
  ...{ name: `palette, ${side} x ${side}`, tokens: side * side, vocabulary: palette.length },
  show: (picture) => {
    const shown = new Uint8Array(PIXELS);
    const square = SIDE / side;
    for (let i = 0; i < side * side; i++) {
      const places = Array.from({ length: square * square }, (_, j) => {
        const [y, x] = [Math.floor(i / side) * square + Math.floor(j / square), (i % side) * square + (j % square)];
        return 3 * (y * SIDE + x);
      });
      const mean = [0, 1, 2].map((c) => places.reduce((sum, at) => sum + picture[at + c], 0) / places.length);
      const far = (colour: readonly number[]): number =>
        mean.reduce((sum, part, c) => sum + (part - colour[c]) ** 2, 0);
      const nearest = palette.reduce((best, colour) => (far(colour) < far(best) ? colour : best));
      for (const at of places) shown.set(nearest, at);
    }
    return shown;
  },
});

const steps = Number(process.argv[2] ?? 800);
const models = await npmModels(await openPackages(PACKAGES, console.error));
const codebook = await readCodebook(fileURLToPath(new URL('codebook.png', import.meta.url)));
const forms: Form[] = [
  { name: 'as painted', tokens: PIXELS / 3, vocabulary: 2 ** 24, show: (picture) => picture },
  {
    ...{ name: 'codebook', tokens: 64, vocabulary: codebook.size },
    show: (one) => codebook.decode(codebook.encode(one)),
  },
  ...[8, 16].map(byPalette),
];

const chances = new Chances(SEED);
const paintings = Array.from({ length: PICTURES.train + PICTURES.test }, () => {
  const said = anySaid(THINGS.length, chances);
  return { said, picture: paintSaid(models, said, chances) };
});
const { adapter } = await openAdapter();
const engine = await Engine.open(adapter, waitWithBackOff);
const sizes = { size: SIZES.length, colour: COLOUR_NAMES.length, thing: THINGS.length, place: PLACES.length };
console.log('form, tokens, vocabulary, root mean square error, then what is told right:', KINDS.join(', '));
for (const { name, tokens, vocabulary, show } of forms) {
  const shown = paintings.map(({ said, picture }) => ({ said, picture: show(picture) }));
  const squares = shown.map(({ picture }, i) =>
    picture.reduce((sum, part, j) => sum + (part - paintings[i].picture[j]) ** 2, 0),
  );
  const error = Math.sqrt(squares.reduce((sum, one) => sum + one, 0) / squares.length / PIXELS);
  const [train, test] = [shown.slice(0, PICTURES.train), shown.slice(PICTURES.train)];
  const classifier = new PictureClassifier(engine, sizes, SEED);
  await classifier.train(
    train.map(({ said, picture }) => ({ said, picture: () => picture })),
    steps,
  );
  const found = await classifier.classify(test.map(({ picture }) => picture));
  classifier.dispose();
  const right = KINDS.map((kind) => found.filter((one, i) => one[kind] === test[i].said[kind]).length / test.length);
  console.log([name, tokens, vocabulary, error.toFixed(1), ...right.map((share) => share.toFixed(3))].join('  '));
}
process.exit();
