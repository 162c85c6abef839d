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
/** Lines that a molecule of the training part has at most: its canonical SMILES, and random ones. */
const LINES = 10;

const about = {
  folder: 'molecules',
  licence: 'BSD-3-Clause (openchemlib, and RDKit that judges)',
  source: `npm ${OPENCHEMLIB.name} ${OPENCHEMLIB.version}, dist/resources.json; ${RDKIT.name} ${RDKIT.version}`,
  packages: [OPENCHEMLIB, RDKIT],
  prompt: promptFor,
  read: readSmilesFile,
  draw: drawSheet,
  judge: judgeMolecules,
};

/** Whole lines in windows, in Llama's style by Muon: what learned most in ten minutes on two cores. */
const settings: Domain['settings'] = {
  ...{ tokenizer: `pieces:${TOKENS}`, wholeLines: true, blockSize: 96, contextGrowth: 0 },
  ...{ style: 'llama', tieEmbeddings: false, nLayer: 4, nHead: 4, nEmbd: 128, nHidden: 320, queryKeyGain: 1 },
  ...{ optimizer: 'muon', muonFactor: 1, muonMomentum: 0.85, learningRate: 1e-2, minLearningRate: 0 },
  ...{ schedule: 'linear', warmupSteps: 20, steps: 1500, evalEvery: 250, checkpointEvery: 250 },
};

/** Molecules as SMILES with their properties in front, those that train written from many atoms on. See card.md. */
export const molecules: Domain = {
  ...about,
  name: 'molecules',
  title: 'Molecules as SMILES, with weight, logP and rings in words',
  note: 'Pieces of drugs and compounds that are listed for a risk, without stereochemistry: no picture of chemistry as a whole.',
  sha256: '67211c5ec0baace53f6f75c9ca10a685338f4723fc546b138f9514a6870922a6',
  settings: { ...settings, validationFraction: 0.013670834556594081 },
  build: (files) => build(files, (forms) => forms),
};

/** The same, every line its molecule's canonical SMILES: what random ones are compared with. */
export const canonicalMolecules: Domain = {
  ...about,
  name: 'canonical-molecules',
  formOf: 'molecules',
  title: 'Molecules as canonical SMILES alone, with weight, logP and rings in words',
  note: 'As many lines of each molecule as in the set molecules, all with the same SMILES: to compare with it.',
  sha256: '944e0aaf67529d68a9db4846b72bef72f9af5ce227752d88c2203f9eee73d86a',
  settings: { ...settings, validationFraction: 0.014184082305275013 },
  build: (files) => build(files, (forms) => forms.map(() => forms[0])),
};

/**
 * A line of each molecule that is held out, with all its properties where it tests, and of each that trains as many as it was found ways
 * to write it; what these lines say of it is drawn by chance.
 * @param formsOf what is written, of the canonical SMILES and the random ones
 */
async function build(
  files: PackageFiles,
  formsOf: (all: readonly string[]) => readonly string[],
): Promise<DomainParts> {
  const rdkit = await Rdkit.open(() => {}); // its own, in which nobody has drawn random SMILES before
  const lines = { train: [] as string[], validation: [] as string[], test: [] as string[] };
  for (const molecule of await readMolecules(files, rdkit, [...COMPOUNDS, ...PIECES])) {
    const { canonical, properties } = molecule;
    const part = partOf(molecule);
    const random = part === 'train' ? rdkit.randomised(canonical, LINES - 1) : [];
    for (const smiles of formsOf([...new Set([canonical, ...random])])) {
      const said = part === 'test' ? properties : some(properties, mix(lines[part].length, SEED));
      lines[part].push(`${promptOf(said)}${smiles}\n`);
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
