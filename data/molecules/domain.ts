import { shuffled } from '../../src/text/labels/labelled.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import type { Domain, DomainParts } from '../domain.ts';
import type { PackageFiles } from '../files.ts';
import { OPENCHEMLIB, RDKIT } from '../packages.ts';
import { readSmilesFile } from './file.ts';
import { judgeMolecules } from './judge.ts';
import { Rdkit } from './rdkit.ts';
import { drawSheet } from './sheet.ts';
import { COMPOUNDS, PIECES, partOf, readMolecules } from './source.ts';
import { type Form, ORDERS, promptFor, TOKENS, wordsOf } from './words.ts';

const SEED = 15;
/** Random SMILES that are drawn of a molecule of the training part; a line with each that is another one. */
const RANDOM = 16;
/** Of so many such lines one has the canonical one beside it, after words in other orders: what is read less often is less known by heart. */
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
  ...{ schedule: 'linear', warmupSteps: 20, steps: 5000, evalEvery: 500, checkpointEvery: 500 },
};

/** Molecules as SMILES with their properties in front, most lines that train written from atoms drawn by chance. See card.md. */
export const molecules: Domain = {
  ...about,
  name: 'molecules',
  title: 'Molecules as SMILES, with weight, logP and rings in words',
  note: 'Pieces of drugs and compounds that are listed for a risk, without stereochemistry: no picture of chemistry as a whole.',
  sha256: 'a8ed6ddfb356365d42550f5b537334370cdd080ae2d4643ad844cfc6af63da9d',
  settings: { ...settings, validationFraction: 0.007329967294561873 },
  build: (files) => build(files, true),
};

/** The same, every line its molecule's canonical SMILES: what random ones are compared with. */
export const canonicalMolecules: Domain = {
  ...about,
  name: 'canonical-molecules',
  formOf: 'molecules',
  title: 'Molecules as canonical SMILES alone, with weight, logP and rings in words',
  note: 'As many lines of each molecule as in the set molecules, all with the same SMILES: to compare with it.',
  sha256: 'ab80973489dd60ca8f4b53094563e5595c0dcd479bc65c8bfb44d18ad52eb1f5',
  settings: { ...settings, validationFraction: 0.007199744788582353 },
  build: (files) => build(files, false),
};

/**
 * A line of each molecule that is held out. Of each that trains, as many lines with random SMILES as different ones were drawn, and some
 * with the canonical one. Of all, the words come in an order that is drawn by chance.
 * @param randomised whether the random ones are written; else lines with the canonical one in their place
 */
async function build(files: PackageFiles, randomised: boolean): Promise<DomainParts> {
  const rdkit = await Rdkit.open(() => {}); // its own, in which nobody has drawn random SMILES before
  const lines = { train: [] as string[], validation: [] as string[], test: [] as string[] };
  for (const molecule of await readMolecules(files, rdkit, [...COMPOUNDS, ...PIECES])) {
    const { kekule, properties } = molecule;
    const part = lines[partOf(molecule)];
    const write = (form: Form, smiles: string): void => {
      part.push(`${wordsOf(properties, form, ORDERS[mix(part.length, SEED) % ORDERS.length])}${smiles}\n`);
    };
    if (part !== lines.train) {
      write('canonical', kekule);
      continue;
    }
    for (const [i, smiles] of rdkit.randomised(kekule, RANDOM).entries()) {
      if (i % RANDOM_A_CANONICAL === 0) write('canonical', kekule);
      if (randomised) write('random', smiles);
      else write('canonical', kekule);
    }
  }
  const text = (part: readonly string[]): string => shuffled(part, SEED).join('');
  return { train: text(lines.train), validation: text(lines.validation), test: text(lines.test) };
}
