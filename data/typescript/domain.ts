import { UserError } from '../../src/errors.ts';
import { readTextStream } from '../../src/node/files.ts';
import { utf8Chunks } from '../../src/text/windows/stream.ts';
import type { Domain } from '../domain.ts';
import type { PackageFiles } from '../files.ts';
import { RXJS, ZOD } from '../packages.ts';
import { openParser } from './compiler.ts';
import { partsOf, sourcesOf, writeFile } from './files.ts';
import { judgeCode } from './judge.ts';

const about = {
  folder: 'typescript',
  licence: 'MIT (zod), Apache-2.0 (RxJS)',
  source: 'npm zod 4.6.7 and rxjs 7.8.2, folders src',
  sha256: 'f9bcffeac285da9ecc28ed5a5828c4443b7e2171e8b56ae5c719962f05be0ce8',
  packages: [ZOD, RXJS],
  build: async (files: PackageFiles) => partsOf([...(await sourcesOf(files, ZOD)), ...(await sourcesOf(files, RXJS))]),
  prompt: (words: string) => {
    if (!words.includes('\n')) return words === '' ? '\f// ' : `\f// ${words}\n`;
    throw new UserError('TypeScript is asked for by the name of a file, such as zod/src/v4/core/util.ts: one line');
  },
  read: async (file: string) => writeFile({ name: file, text: await readTypeScript(file) }),
  judge: judgeCode,
} satisfies Partial<Domain>;

/** Code repeats the names that stand before: heads learn to copy first. */
const settings: Domain['settings'] = {
  ...{ tokenizer: 'bpe:2048', blockSize: 256, batchSize: 12, fillInMiddle: 0.5, tieEmbeddings: true },
  ...{ previousTokenHead: true, copyFraction: 0.1, steps: 1000, evalEvery: 200, checkpointEvery: 200 },
  ...{ validationFraction: 0.1220944 },
};

/** TypeScript of two libraries, for a model that completes code. See card.md. */
export const typescript: Domain = {
  ...about,
  name: 'typescript',
  title: 'TypeScript: sources of zod and RxJS',
  note: 'Parted by file, all files of one name in one part; half of the code is tests, and most of RxJS is comments.',
  settings,
};

/** The same, read from left to right alone: what filling holes is compared with. */
export const plainTypescript: Domain = {
  ...about,
  name: 'plain-typescript',
  formOf: 'typescript',
  title: 'TypeScript: sources of zod and RxJS, read from left to right alone',
  note: 'As the set typescript, for a model that fills no holes: to compare with it.',
  settings: { ...settings, fillInMiddle: 0 },
};

/** Mistakes in so many lines make a text something else than TypeScript that is being written. */
const WRONG_LINES = { least: 3, share: 0.2 };

/** @throws UserError for a file that is not TypeScript; a few mistakes are no matter, as somebody is at work on it */
async function readTypeScript(file: string): Promise<string> {
  if (!/\.[mc]?tsx?$/.test(file)) {
    throw new UserError(`${file} is no TypeScript by its name: give a file that ends in .ts, .tsx, .mts or .cts`);
  }
  let text = '';
  for await (const chunk of utf8Chunks(readTextStream(file), file)) text += chunk;
  const problems = (await openParser(() => undefined))(file, text);
  const wrong = new Set(problems.map(({ line }) => line)).size;
  if (wrong <= Math.max(WRONG_LINES.least, WRONG_LINES.share * text.split('\n').length)) return text;
  const [{ line, message }] = problems;
  throw new UserError(
    `${file} is not TypeScript: its parser finds mistakes in ${wrong} lines, the first in line ${line} (${message})`,
  );
}
