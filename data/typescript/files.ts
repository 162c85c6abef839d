/** The sources that are learned from, and how they are parted: by file, with all files of one name in one part. */
import type { NpmPackage } from '../../src/node/npm.ts';
import { shuffled } from '../../src/text/labels/labelled.ts';
import type { DomainParts } from '../domain.ts';
import type { PackageFiles } from '../files.ts';

/** A file of source code. */
export interface SourceFile {
  /** Package and path: zod/src/v4/core/util.ts */
  readonly name: string;
  readonly text: string;
}

/** What stands before each file, in the line of its name: white space to TypeScript, and in none of the files. */
export const FORM_FEED = '\f';

/** Share of the text that validates, and that is kept aside, at least. */
const SHARE = 0.1;
/** Names whose files are more of the text than this train: a part of one subject would say little of others. */
const LARGEST = 0.02;
const SEED = 23;

/** Texts in some fifty languages in the same few lines of code: all but the English ones would be copies to learn from, and to judge by. */
const isTranslation = (path: string): boolean => /\/locales\/(?!en\.|index\.)/.test(path);

/** The TypeScript files of a package's folder `src`, in the order of their paths. */
export async function sourcesOf(files: PackageFiles, pkg: NpmPackage, folder = 'src'): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for (const entry of await files.list(pkg, folder)) {
    const path = `${folder}/${entry}`;
    if (!entry.includes('.')) for (const file of await sourcesOf(files, pkg, path)) found.push(file);
    else if (entry.endsWith('.ts') && !isTranslation(path)) {
      const text = (await files.read(pkg, path)).replaceAll('\r\n', '\n');
      found.push({ name: `${pkg.name}/${path}`, text: text.endsWith('\n') ? text : `${text}\n` });
    }
  }
  return found;
}

/**
 * Parts in which no name of a file is twice: v3/tests/string.test.ts and v4/classic/tests/string.test.ts are versions of one another, and
 * so are merge.ts the operator and merge.ts the function. Of files that are the same but for white space one is kept.
 */
export function partsOf(sources: readonly SourceFile[]): DomainParts {
  const files = distinct(sources);
  const groups = byStem(files);
  const total = sizeOf(files);
  const parts = { train: [] as SourceFile[], validation: [] as SourceFile[], test: [] as SourceFile[] };
  for (const group of shuffled(groups, SEED)) {
    const isLarge = sizeOf(group) > LARGEST * total;
    const needs = (part: readonly SourceFile[]): boolean => !isLarge && sizeOf(part) < SHARE * total;
    const part = needs(parts.test) ? parts.test : needs(parts.validation) ? parts.validation : parts.train;
    for (const file of group) part.push(file);
  }
  const text = (part: readonly SourceFile[]): string => shuffled(part, SEED).map(writeFile).join('');
  return { train: text(parts.train), validation: text(parts.validation), test: text(parts.test) };
}

const sizeOf = (files: readonly SourceFile[]): number => files.reduce((sum, { text }) => sum + text.length, 0);

/** A file's name without folders and endings. */
const stemOf = ({ name }: SourceFile): string => name.slice(name.lastIndexOf('/') + 1).split('.')[0];

function byStem(files: readonly SourceFile[]): SourceFile[][] {
  const groups = new Map<string, SourceFile[]>();
  for (const file of files) groups.set(stemOf(file), [...(groups.get(stemOf(file)) ?? []), file]);
  return [...groups.values()];
}

function distinct(sources: readonly SourceFile[]): SourceFile[] {
  const seen = new Set<string>();
  return sources.filter(({ text }) => {
    const key = text.replace(/\s+/g, '');
    return !seen.has(key) && seen.add(key);
  });
}

/** A file as it stands in a part: its name in a comment, and its text. */
export const writeFile = ({ name, text }: SourceFile): string => `${FORM_FEED}// ${name}\n${text}`;

/** The files of a part. */
export const readFiles = (part: string): SourceFile[] =>
  part
    .split(FORM_FEED)
    .slice(1)
    .map((piece) => {
      const end = piece.indexOf('\n');
      return { name: piece.slice('// '.length, end), text: piece.slice(end + 1) };
    });
