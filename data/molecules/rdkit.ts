/** RDKit, the chemists' library, as WebAssembly of its npm package: what a molecule is, which two are the same, and how one is drawn. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { fetchPackage, type Say } from '../../src/node/npm.ts';
import { check } from '../../src/schema.ts';
import { RDKIT } from '../packages.ts';

/** What a molecule weighs, how it divides between octanol and water (Crippen's estimate of logP), and its rings. */
export interface Properties {
  /** Grams a mole. */
  readonly weight: number;
  readonly logP: number;
  readonly rings: number;
}

/** A molecule that RDKit understood. */
export interface Molecule {
  /** The one SMILES that RDKit writes for it, without stereochemistry: two molecules are the same where these are. */
  readonly canonical: string;
  /** The same as lines write it: the bonds of aromatic rings told, one single and one double in turn, and each ring with a number of its own. */
  readonly kekule: string;
  /** Beside hydrogen. */
  readonly atoms: number;
  readonly properties: Properties;
}

/** What is used of the package's own interface (dist/RDKit_minimal.d.ts). */
interface Mol {
  get_smiles(details: string): string;
  get_descriptors(): string;
  get_svg(width: number, height: number): string;
  get_num_atoms(): number;
  /** Memory of WebAssembly, which no garbage collector frees. */
  delete(): void;
}
interface Log {
  get_buffer(): string;
  clear_buffer(): void;
}
interface Library {
  get_mol(smiles: string): Mol | null;
  set_log_capture(name: string): Log;
}

const Descriptors = z.object({ amw: z.number(), CrippenClogP: z.number(), NumRings: z.number() });
const FLAT = JSON.stringify({ doIsomericSmiles: false });
const KEKULE = JSON.stringify({ doIsomericSmiles: false, doKekule: true });
const RANDOM = JSON.stringify({ doIsomericSmiles: false, doKekule: true, doRandom: true });

/** A SMILES whose numbers of rings stand twice each: RDKit takes the first one that is free, and whether one is open is then hard to tell. */
function numberApart(smiles: string): string {
  const open = new Map<string, string>();
  let rings = 0;
  return smiles.replace(/\[[^\]]*\]|%\d\d|\d/g, (found) => {
    if (found.startsWith('[')) return found;
    const closed = open.get(found);
    const own = closed ?? (++rings < 10 ? `${rings}` : `%${rings}`);
    if (closed) open.delete(found);
    else open.set(found, own);
    return own;
  });
}

/** Molecules from SMILES. Every instance draws the same random SMILES in the same order of calls. */
export class Rdkit {
  private constructor(
    private readonly library: Library,
    private readonly log: Log,
  ) {}

  /** A new instance; the package is fetched where it is not there yet. @throws UserError when it cannot be had */
  static async open(say: Say): Promise<Rdkit> {
    const dist = join(await fetchPackage(RDKIT, say), 'dist');
    const start = createRequire(import.meta.url)(join(dist, 'RDKit_minimal.js')) as (options: {
      locateFile: (file: string) => string;
    }) => Promise<Library>;
    const library = await start({ locateFile: (file) => join(dist, file) });
    return new Rdkit(library, library.set_log_capture('rdApp.*')); // what it says of broken SMILES is asked for, not printed
  }

  /** The canonical SMILES; undefined for what is no molecule. */
  canonical(smiles: string): string | undefined {
    return this.with(smiles, (mol) => mol.get_smiles(FLAT));
  }

  /** Undefined for what is no molecule. */
  molecule(smiles: string): Molecule | undefined {
    return this.with(smiles, (mol) => {
      const refuse = (problem: string) => new Error(`RDKit's descriptors: ${problem}`);
      const found = check(Descriptors, JSON.parse(mol.get_descriptors()), refuse);
      const properties = { weight: found.amw, logP: found.CrippenClogP, rings: found.NumRings };
      const [canonical, kekule] = [FLAT, KEKULE].map((details) => mol.get_smiles(details));
      return { canonical, kekule: numberApart(kekule), atoms: mol.get_num_atoms(), properties };
    });
  }

  /** The molecule written from random atoms on, in random directions, as `kekule` is: the distinct ones of so many tries. */
  randomised(smiles: string, tries: number): string[] {
    const written = this.with(smiles, (mol) => Array.from({ length: tries }, () => mol.get_smiles(RANDOM)));
    return [...new Set(written)].map(numberApart);
  }

  /** The structure as an SVG document; undefined for what is no molecule. */
  draw(smiles: string, width: number, height: number): string | undefined {
    return this.with(smiles, (mol) => mol.get_svg(width, height));
  }

  /** What RDKit says is wrong with a SMILES, in its words. */
  problem(smiles: string): string {
    if (this.with(smiles, () => true)) return '';
    const [first = ''] = this.log.get_buffer().split('\n');
    return first.replace(/^\[[\d:]+\] /, '') || 'it has no atoms';
  }

  private with<T>(smiles: string, ask: (mol: Mol) => T): T | undefined {
    this.log.clear_buffer();
    const mol = this.library.get_mol(smiles);
    if (!mol) return undefined;
    try {
      return mol.get_num_atoms() > 0 ? ask(mol) : undefined;
    } finally {
      mol.delete();
    }
  }
}
