import { shuffled } from '../../src/text/labels/labelled.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import type { Domain, DomainParts } from '../domain.ts';
import type { PackageFiles } from '../files.ts';
import { OPENCHEMLIB, RDKIT } from '../packages.ts';
import { readSmilesFile } from './file.ts';
import { judgeMolecules } from './judge.ts';
import { type Properties, Rdkit } from './rdkit.ts';
import { drawSheet } from './sheet.ts';
import { COMPOUNDS, PIECES, partOf, readMolecules } from './source.ts';
import { PROPERTIES, promptFor, promptOf, TOKENS } from './words.ts';

const SEED = 15;
/** Random SMILES that are drawn of a molecule of the training part; a line with each that is another one. */
const RANDOM = 16;
/** Of so many such lines one has the canonical one beside it, each time after other words: what is read less often is less known by heart. */
const RANDOM_A_CANONICAL = 4;

const about = {
  folder: 'molecules',
  licence: 'BSD-3-Clause (openchemlib, and RDKit that judges)',
  source: `npm ${OPENCHEMLIB.name} ${OPENCHEMLIB.version}, dist/resources.json; ${RDKIT.name} ${RDKIT.version}`,
  packages: [OPENCHEMLIB, RDKIT],
  prompt: promptFor,
  read: readSmilesFile,
  drawing: { endings: ['.svg'], draw: drawSheet },
  judge: judgeMolecules,
};

/** Whole lines in windows, in Llama's style by Muon: what learned most in ten minutes on two cores. */
const settings: Domain['settings'] = {
  ...{ tokenizer: `pieces:${TOKENS}`, wholeLines: true, blockSize: 96, contextGrowth: 0 },
  ...{ style: 'llama', tieEmbeddings: false, nLayer: 4, nHead: 4, nEmbd: 128, nHidden: 320, queryKeyGain: 1 },
  ...{ optimizer: 'muon', muonFactor: 1, muonMomentum: 0.85, learningRate: 1e-2, minLearningRate: 0 },
  ...{ schedule: 'linear', warmupSteps: 20, steps: 4000, evalEvery: 500, checkpointEvery: 500 },
};

/** Molecules as SMILES with their properties in front, most lines that train written from atoms drawn by chance. See card.md. */
export const molecules: Domain = {
  ...about,
  name: 'molecules',
  title: 'Molecules as SMILES, with weight, logP and rings in words',
  note: 'Pieces of drugs and compounds that are listed for a risk, without stereochemistry: no picture of chemistry as a whole.',
  sha256: 'aa471ab9532b312ab18f9d4605620d4602d5667980d325954332f1ac73c1bf49',
  settings: { ...settings, validationFraction: 0.006979142689766156 },
  build: (files) => build(files, true),
};

/** The same, every line its molecule's canonical SMILES: what random ones are compared with. */
export const canonicalMolecules: Domain = {
  ...about,
  name: 'canonical-molecules',
  formOf: 'molecules',
  title: 'Molecules as canonical SMILES alone, with weight, logP and rings in words',
  note: 'As many lines of each molecule as in the set molecules, all with the same SMILES: to compare with it.',
  sha256: '1a2cf36afd677b1fe928da7efa2aed76509df2842562202d2fe0e2630cd27bef',
  settings: { ...settings, validationFraction: 0.00717900556236509 },
  build: (files) => build(files, false),
};

/**
 * A line of each molecule that is held out, with all its properties where it tests. Of each that trains, as many lines with random SMILES as
 * different ones were drawn, and some with the canonical one; what a line says of its molecule is drawn by chance.
 * @param randomised whether the random ones are written; else lines with the canonical one in their place
 */
async function build(files: PackageFiles, randomised: boolean): Promise<DomainParts> {
  const rdkit = await Rdkit.open(() => {}); // its own, in which nobody has drawn random SMILES before
  const lines = { train: [] as string[], validation: [] as string[], test: [] as string[] };
  for (const molecule of await readMolecules(files, rdkit, [...COMPOUNDS, ...PIECES])) {
    const { kekule, properties } = molecule;
    const part = partOf(molecule);
    if (part !== 'train') {
      const said = part === 'test' ? properties : some(properties, mix(lines[part].length, SEED));
      lines[part].push(`${promptOf(said)}${kekule}\n`);
      continue;
    }
    for (const [i, smiles] of rdkit.randomised(kekule, RANDOM).entries()) {
      const [one, other] = [0, 1].map((n) => some(properties, mix(lines.train.length + n, SEED)));
      if (i % RANDOM_A_CANONICAL === 0) lines.train.push(`${promptOf(one)}${kekule}\n`);
      lines.train.push(randomised ? `${promptOf(other, 'random')}${smiles}\n` : `${promptOf(other)}${kekule}\n`);
    }
  }
  const text = (part: readonly string[]): string => shuffled(part, SEED).join('');
  return { train: text(lines.train), validation: text(lines.validation), test: text(lines.test) };
}

/** Each property or not, as three bits say. */
function some(properties: Properties, bits: number): Partial<Properties> {
  const names = PROPERTIES.filter((_, i) => (bits >>> (i + 16)) % 2 === 1);
  return Object.fromEntries(names.map((name) => [name, properties[name]]));
}
