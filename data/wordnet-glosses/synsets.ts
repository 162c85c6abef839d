/** WordNet's data files: a line a synset, whose fields are described in its manual page wndb(5). */
import type { PackageFiles } from '../files.ts';
import { WORDNET } from '../packages.ts';

/** A set of words with one meaning. */
export interface Synset {
  /** Number of its lexicographer file, which is its class; see lexnames(5). */
  readonly lexicographer: number;
  readonly words: readonly string[];
  /** Whether it is a named instance (Paris) and not a kind (city). */
  readonly instance: boolean;
  /** What it means, without the quotations that show its use. */
  readonly definition: string;
  /** Definition and quotations, as they stand. */
  readonly gloss: string;
}

const PARTS = ['noun', 'verb', 'adj', 'adv'];

/** All synsets, in the order of the files. */
export async function readSynsets(files: PackageFiles): Promise<Synset[]> {
  const texts = await Promise.all(PARTS.map((part) => files.read(WORDNET, `dict/data.${part}`, 'latin1')));
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => /^\d{8} /.test(line))
      .map(parseSynset),
  );
}

/** offset lexicographer part wordCount(hex) word lexId ... | gloss */
function parseSynset(line: string): Synset {
  const bar = line.indexOf('|');
  const fields = line.slice(0, bar).split(' ');
  const wordCount = Number.parseInt(fields[3], 16);
  const words = Array.from({ length: wordCount }, (_, i) =>
    fields[4 + 2 * i].replaceAll('_', ' ').replace(/\([a-z]+\)$/, ''),
  );
  const gloss = line
    .slice(bar + 1)
    .replace(/\s+/g, ' ')
    .trim();
  return {
    lexicographer: Number(fields[1]),
    words,
    instance: fields.includes('@i'),
    definition: definitionOf(gloss),
    gloss,
  };
}

/** The gloss without its quotations ("...", "..."- author), which follow the definition after a semicolon, colon or nothing. */
export const definitionOf = (gloss: string): string =>
  gloss
    .split(/;\s*(?=["`])/)
    .filter((part, i) => i === 0 || !/^["`]/.test(part))
    .join('; ')
    .replace(/^((?:[^"]*"[^"]*")*?[^"]*?)[\s:;,]*"[^"]*\s[^"]*\s[^"]*"?\s*(?:-{1,2}.*)?$/, '$1') // an opening quote: an even number before it
    .replace(/[;:,\s]+$/, '')
    .trim();
