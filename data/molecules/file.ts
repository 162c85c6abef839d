import { readFile } from 'node:fs/promises';
import { UserError } from '../../src/errors.ts';
import { errorCode } from '../../src/node/files.ts';
import { quote } from '../../src/quote.ts';
import { type Molecule, Rdkit } from './rdkit.ts';
import { outside } from './source.ts';
import { readLine, wordsOf } from './words.ts';

/**
 * A user's file of SMILES, one a line, as lines like those of the test part; what stands behind white space, as names do in .smi files, and
 * words in front are left out.
 * @throws UserError for a file that cannot be read or holds nothing, and for a line that is no molecule, or one of a kind that is not learned
 */
export async function readSmilesFile(file: string): Promise<string> {
  const content = await readFile(file, 'utf8').catch((cause) => {
    throw new UserError(`${file} cannot be read (${errorCode(cause)}); give a text file with a SMILES a line.`, {
      cause,
    });
  });
  const rdkit = await Rdkit.open(() => {});
  const lines = content.split(/\r\n|\r|\n/).flatMap((line, i) => {
    if (line.trim() === '') return [];
    const [smiles] = readLine(line).smiles.trim().split(/\s+/);
    const { kekule, properties } = read(rdkit, smiles, `${file}, line ${i + 1}`);
    return [`${wordsOf(properties)}${kekule}\n`];
  });
  if (lines.length === 0) throw new UserError(`${file} holds no molecules; give a text file with a SMILES a line.`);
  return lines.join('');
}

function read(rdkit: Rdkit, smiles: string, where: string): Molecule {
  const molecule = rdkit.molecule(smiles);
  if (!molecule) {
    const why = rdkit.problem(smiles);
    throw new UserError(
      `${where}: ${quote(smiles)} is no molecule, as RDKit says: ${why}. Mend it, or leave the line out.`,
    );
  }
  const strange = outside(molecule);
  if (strange)
    throw new UserError(`${where}: ${quote(smiles)} is no molecule of the kind that is learned: ${strange}.`);
  return molecule;
}
