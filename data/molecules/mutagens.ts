import { type LabelledText, shuffled } from '../../src/text/labels/labelled.ts';
import { OPENCHEMLIB, RDKIT } from '../packages.ts';
import type { ClassifySet } from '../recipe.ts';
import { Rdkit } from './rdkit.ts';
import { COMPOUNDS, partOf, readMolecules } from './source.ts';
import { wordsOf } from './words.ts';

const SEED = 3;

/** Compounds, to be told whether they are listed as mutagenic or for another risk alone. See card.md. */
export const mutagens: ClassifySet = {
  name: 'mutagens',
  folder: 'molecules',
  title: 'Compounds: SMILES to listed as mutagenic, or for another risk alone',
  licence: 'BSD-3-Clause (openchemlib)',
  source: `npm ${OPENCHEMLIB.name} ${OPENCHEMLIB.version}, dist/resources.json: toxpredictor; ${RDKIT.name} ${RDKIT.version}`,
  note: 'What is not listed as mutagenic may be so all the same: nothing to judge a substance by. Held out is what the corpus molecules holds out.',
  sha256: 'b09673a8755a4d34df30b8750274cbcec3696a0c848625e008b5c10842333028',
  task: 'classify',
  packages: [OPENCHEMLIB, RDKIT],
  async build(files) {
    const parts = { train: [] as LabelledText[], validation: [] as LabelledText[], test: [] as LabelledText[] };
    for (const molecule of await readMolecules(files, await Rdkit.open(() => {}), COMPOUNDS)) {
      const label = molecule.risks.has('mutagenic') ? 'mutagenic' : 'other';
      parts[partOf(molecule)].push({ text: `${wordsOf(molecule.properties)}${molecule.kekule}`, label });
    }
    const { train, validation, test } = parts;
    return {
      parts: { train: shuffled(train, SEED), validation: shuffled(validation, SEED), test: shuffled(test, SEED) },
      duplicates: { within: 0, across: 0, conflicting: 0 }, // a compound is read once, with all of its lists
    };
  },
};
