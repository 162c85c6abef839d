import { fileURLToPath } from 'node:url';
import type { Domain, DomainParts } from '../domain.ts';
import type { PackageFiles } from '../files.ts';
import { readCodebook } from './codebooks.ts';
import { readBeginning, readPictures } from './file.ts';
import { PACKAGES, THINGS } from './icons.ts';
import { Lines } from './lines.ts';
import { CLOTHES, mnistModels } from './mnist.ts';
import { npmModels } from './npm.ts';
import { type Models, paintParts } from './parts.ts';
import { drawSheet, sheetPixels } from './sheet.ts';
import { Captions } from './words.ts';

/** One set of things that pictures are painted of. */
interface Wardrobe {
  readonly things: readonly string[];
  readonly models: (files: PackageFiles) => Promise<Models>;
  /** Pictures that are painted, of which those go that are there twice. */
  readonly pictures: number;
  /** File beside this one. */
  readonly codebook: string;
}

/** The texts of a wardrobe, and how they are written. */
async function drawnParts(
  { things, models, pictures, codebook }: Wardrobe,
  files: PackageFiles,
): Promise<{ lines: Lines; parts: DomainParts }> {
  const lines = await openLines({ things, codebook });
  return { lines, parts: paintParts(await models(files), lines, pictures) };
}

const openLines = async ({ things, codebook }: Pick<Wardrobe, 'things' | 'codebook'>): Promise<Lines> =>
  new Lines(new Captions(things), await readCodebook(fileURLToPath(new URL(codebook, import.meta.url))));

/** What all domains of pictures from words have in common. */
function drawnFrom(
  wardrobe: Wardrobe,
): Pick<Domain, 'build' | 'prompt' | 'judge'> & Required<Pick<Domain, 'read' | 'drawing' | 'begin'>> {
  const captions = new Captions(wardrobe.things);
  let opened: Promise<Lines> | undefined;
  const openedLines = (): Promise<Lines> => (opened ??= openLines(wardrobe)); // read once, for a picture that grows asks often
  return {
    build: async (files) => (await drawnParts(wardrobe, files)).parts,
    prompt: (words) => captions.caption(captions.parse(words)),
    read: async (file) => readPictures(await openedLines(), file),
    drawing: {
      endings: ['.png', '.svg'],
      draw: async (all, file) => drawSheet(await openedLines(), all, file),
      pixels: async (all) => sheetPixels(await openedLines(), all),
    },
    begin: async (file) => readBeginning(await openedLines(), file),
    // with it comes the engine, which whoever only lists domains can do without
    judge: async (asked) => (await import('./judge/judge.ts')).judgePictures(await openedLines(), asked),
  };
}

const NPM: Wardrobe = { things: THINGS, models: npmModels, pictures: 24_000, codebook: 'codebook.png' };

/** The texts of `fashion`. */
export const drawnFashion = (files: PackageFiles): ReturnType<typeof drawnParts> => drawnParts(NPM, files);

/** A window is a picture: the end of the line before, four words, a colon and 64 codes. */
const SETTINGS = {
  ...{ tokenizer: 'pieces:[a-z-]+ ', wholeLines: true, blockSize: 72, contextGrowth: 0 },
  ...{ nLayer: 3, nHead: 3, nEmbd: 96, nHidden: 256, learningRate: 1.3e-2, batchSize: 12, steps: 5000 },
  ...{ evalEvery: 250, checkpointEvery: 250 },
} satisfies Domain['settings'];

export const fashion: Domain = {
  name: 'fashion',
  folder: 'fashion-words',
  title: 'Things to wear, painted from words',
  licence:
    'designs Apache-2.0 (Noto Emoji, Firefox OS Emoji, Material Design Icons, IconPark), MIT (Fluent Emoji, Phosphor), CC-BY-4.0 (Twemoji, Emoji One), CC-BY-3.0 (Game Icons)',
  source: PACKAGES.map(({ name, version }) => `npm ${name} ${version}`).join(', '),
  note: 'Painted pictures of 32 x 32 pixels, ten things in eight colours, two sizes and five places; one colour of each thing is never trained on.',
  sha256: '53c194d4b55063490590273ce40b680747811334c21ca1d26d2bc1ac76e6c4c9',
  packages: PACKAGES,
  ...drawnFrom(NPM),
  settings: { ...SETTINGS, validationFraction: 0.054418145598804535 },
};

export const fashionMnist: Domain = {
  name: 'fashion-mnist',
  formOf: 'fashion',
  folder: 'fashion-words',
  title: 'Fashion-MNIST, painted from words',
  licence: 'MIT (Zalando SE)',
  source: 'Debian dataset-fashion-mnist 0.0~git20200523',
  note: 'The files are those of a package of Debian and Ubuntu, not of npm. As fashion, with photographs of clothes in place of icons, each painted once.',
  sha256: '14194e5f6f616aa13548991ac9a1f98c364cf3fda55e3bb1085809f545d6909d',
  packages: [],
  ...drawnFrom({ things: CLOTHES, models: () => mnistModels(), pictures: 24_000, codebook: 'codebook-mnist.png' }),
  settings: { ...SETTINGS, validationFraction: 0.05338111604772683 },
};
