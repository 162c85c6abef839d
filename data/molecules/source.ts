/** Where the molecules come from: lists that OpenChemLib predicts risks and drug-likeness by, as codes that its own reader decodes. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { UserError } from '../../src/errors.ts';
import { fetchedFolder } from '../../src/node/npm.ts';
import { checkJson } from '../../src/schema.ts';
import type { PackageFiles } from '../files.ts';
import { OPENCHEMLIB } from '../packages.ts';
import type { Molecule, Rdkit } from './rdkit.ts';

/** A molecule, and the risks that it is listed for; none of pieces, and of a compound one or more. */
export interface SourceMolecule extends Molecule {
  readonly risks: ReadonlySet<Risk>;
}

/** Risks of compounds, by the letters that their lists have: by the Registry of Toxic Effects of Chemical Substances. */
const RISKS = { m: 'mutagenic', t: 'tumorigenic', r: 'harms reproduction', i: 'irritant' } as const;
export type Risk = (typeof RISKS)[keyof typeof RISKS];

/** A list of the package, and the risk that its members have; undefined of pieces of molecules, which hydrogen makes whole. */
interface List {
  readonly file: string;
  readonly risk?: Risk;
}
/** Whole compounds. */
export const COMPOUNDS: readonly List[] = Object.entries(RISKS).map(([letter, risk]) => ({
  file: `toxpredictor/${letter}3.txt`,
  risk,
}));
export const PIECES: readonly List[] = [
  { file: 'druglikenessNoIndex.txt' },
  ...Object.keys(RISKS).flatMap((letter) => [1, 2].map((level) => ({ file: `toxpredictor/${letter}${level}.txt` }))),
];

/** Smaller molecules are so few that they could be listed. */
const LEAST_ATOMS = 6;
/** Atoms in brackets that may be there: no metals, no isotopes, no radicals. */
const ATOM = /^\[(?:(?:[BCNOPScnops]|Si)(?:H\d?)?[+-]?|nH)\]$/;

/** Why a molecule is none of the kind that is learned here; undefined for one that is. */
export function outside({ canonical, atoms }: Pick<Molecule, 'canonical' | 'atoms'>): string | undefined {
  const strange = canonical.match(/\[[^\]]*\]/g)?.find((atom) => !ATOM.test(atom));
  if (strange) return `it holds ${strange}, and only B, C, N, O, F, Si, P, S, Cl, Br and I without isotopes are known`;
  if (canonical.includes('.')) return 'it is of several parts; give each a line';
  return atoms < LEAST_ATOMS
    ? `it has ${atoms} atoms beside hydrogen, and ${LEAST_ATOMS} or more are expected`
    : undefined;
}

/** The molecules of some lists, each once, in the order of the lists; what RDKit takes for no molecule is left out. */
export async function readMolecules(
  files: PackageFiles,
  rdkit: Rdkit,
  lists: readonly List[],
): Promise<SourceMolecule[]> {
  const found = new Map<string, { molecule: Molecule; risks: Set<Risk> }>();
  for (const [smiles, risks] of await readLists(files, lists)) {
    const molecule = moleculeOf(rdkit, smiles);
    if (!molecule || outside(molecule)) continue;
    const known = found.get(molecule.canonical) ?? { molecule, risks: new Set() };
    for (const risk of risks) known.risks.add(risk);
    found.set(molecule.canonical, known);
  }
  return Array.from(found.values(), ({ molecule, risks }) => ({ ...molecule, risks }));
}

/** Written twice: RDKit's canonical SMILES of some molecules (2 of 9,917 here) is another once it is read again. */
function moleculeOf(rdkit: Rdkit, smiles: string): Molecule | undefined {
  const once = rdkit.canonical(smiles);
  return once === undefined ? undefined : rdkit.molecule(once);
}

const Resources = z.record(z.string(), z.string());

/** SMILES as OpenChemLib writes them, without stereochemistry, and the risks of the lists that they are on. */
async function readLists(files: PackageFiles, lists: readonly List[]): Promise<Map<string, Set<Risk>>> {
  const refuse = (problem: string) => new UserError(`${OPENCHEMLIB.name}, dist/resources.json: ${problem}`);
  const resources = checkJson(Resources, await files.read(OPENCHEMLIB, 'dist/resources.json'), refuse);
  const decode = await openDecoder();
  const risksOf = new Map<string, Set<Risk>>();
  for (const { file, risk } of lists) {
    for (const line of resources[`/resources/${file}`].split('\n')) {
      const smiles = decode(line.split('\t')[0].trim());
      if (smiles === '') continue;
      const risks = risksOf.get(smiles) ?? new Set();
      if (risk) risks.add(risk);
      risksOf.set(smiles, risks);
    }
  }
  return risksOf;
}

/** What is used of the package's own interface (dist/openchemlib.d.ts). */
interface OpenChemLib {
  Molecule: { fromIDCode(code: string, ensureCoordinates: boolean): { toSmiles(): string } };
}

async function openDecoder(): Promise<(code: string) => string> {
  const path = join(fetchedFolder(OPENCHEMLIB), 'dist/openchemlib.js');
  const { Molecule } = (await import(pathToFileURL(path).href)) as OpenChemLib;
  return (code) =>
    code === ''
      ? ''
      : Molecule.fromIDCode(code, false)
          .toSmiles()
          .replace(/[/\\@]/g, '');
}

/** The part that a molecule is in, by its canonical SMILES alone: the same in every set that is made of these molecules. */
export function partOf({ canonical }: Molecule): 'train' | 'validation' | 'test' {
  const share = createHash('sha256').update(canonical).digest().readUInt32BE() / 2 ** 32;
  if (share < TEST) return 'test';
  return share < TEST + VALIDATION ? 'validation' : 'train';
}
const TEST = 0.1;
const VALIDATION = 0.1;
