import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { DomainParts } from '../../data/domain.ts';
import type { PackageFiles } from '../../data/files.ts';
import { ZOD } from '../../data/packages.ts';
import { domainParts } from '../../data/prepare.ts';
import { openParser } from '../../data/typescript/compiler.ts';
import { typescript } from '../../data/typescript/domain.ts';
import { partsOf, readFiles, type SourceFile, sourcesOf, writeFile } from '../../data/typescript/files.ts';
import { copying, fromLeft, missingLines, ngramWriter, similarity } from '../../data/typescript/lines.ts';
import { snippet } from '../../data/typescript/snippets.ts';
import { UserError } from '../../src/errors.ts';
import { KneserNey } from '../../src/text/ngrams/kneserNey.ts';
import { NgramCounts } from '../../src/text/ngrams/ngrams.ts';
import { ByteTokenizer } from '../../src/text/tokenizers/byteTokenizer.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-typescript-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const namesIn = (part: string): string[] => readFiles(part).map(({ name }) => name);
const stem = (name: string): string => name.slice(name.lastIndexOf('/') + 1).split('.')[0];

describe('sources', () => {
  it('are the TypeScript files of all folders, translations left out', async () => {
    const tree: Record<string, string[]> = {
      src: ['index.ts', 'readme.md', 'v4'],
      'src/v4': ['locales', 'util.ts'],
      'src/v4/locales': ['de.ts', 'en.ts', 'index.ts'],
    };
    const files: PackageFiles = {
      read: async (_, file) => `// ${file}\r\nlet a`,
      readBytes: async () => new Uint8Array(),
      list: async (_, folder) => tree[folder],
    };
    const sources = await sourcesOf(files, ZOD);
    expect(sources.map(({ name }) => name)).toEqual(
      ['index.ts', 'v4/locales/en.ts', 'v4/locales/index.ts', 'v4/util.ts'].map((path) => `zod/src/${path}`),
    );
    expect(sources[0].text).toBe('// src/index.ts\nlet a\n');
  });

  const made = Array.from(
    { length: 200 },
    (_, i): SourceFile => ({ name: `p/v${i % 2}/${i >> 1}.ts`, text: `let v${i};\n` }),
  );

  it('are parted by their names, each file once, and come back as they were', () => {
    const copy = { name: 'p/copy.ts', text: ' let   v7;\n\n' };
    const parts = partsOf([...made, copy]);
    const all = Object.values(parts).flatMap(readFiles);
    const sorted = (files: readonly SourceFile[]) => files.map(writeFile).sort();
    expect(sorted(all)).toEqual(sorted(made));
    for (const part of [parts.validation, parts.test]) expect(namesIn(part).length).toBeGreaterThanOrEqual(18);
    expectApart(parts);
  });

  it('of one name that are much of the text train', () => {
    const large = Array.from({ length: 10 }, (_, i) => ({ name: `q/${i}/large.ts`, text: `let large${i};\n` }));
    for (let seed = 0; seed < 3; seed++) {
      const { train } = partsOf([...made.slice(0, 100 + 20 * seed), ...large]);
      expect(namesIn(train).filter((name) => stem(name) === 'large')).toHaveLength(10);
    }
  });

  it('build to what the recipe expects, all of which parses, and no name is in two parts', async () => {
    const parts = await domainParts(typescript, () => undefined);
    expectApart(parts);
    const parse = await openParser(() => undefined);
    for (const { name, text } of readFiles(parts.test)) expect(parse(name, text), name).toEqual([]);
    expect(namesIn(parts.test).some((name) => name.startsWith('zod/'))).toBe(true);
    expect(namesIn(parts.test).some((name) => name.startsWith('rxjs/'))).toBe(true);
  });
});

function expectApart(parts: DomainParts): void {
  const [train, validation, test] = [parts.train, parts.validation, parts.test].map(
    (part) => new Set(namesIn(part).map(stem)),
  );
  for (const name of test) expect(train.has(name) || validation.has(name), name).toBe(false);
  for (const name of validation) expect(train.has(name), name).toBe(false);
}

describe('missing lines', () => {
  const file = { name: 'a.ts', text: '/** Says so. */\nfunction f() {\n  // why\n  return 12;\n}\n\n  }\n' };

  it('are lines of code, and with them a file is whole', () => {
    const lines = missingLines([file], 10);
    expect(lines.map(({ truth }) => truth).sort()).toEqual(['function f() {', 'return 12;']);
    const inner = lines.find(({ truth }) => truth === 'return 12;')!;
    expect(inner.before).toBe('  // why');
    expect(`${inner.prefix}  ${inner.truth}${inner.suffix}`).toBe(file.text);
    expect(missingLines([file], 1)).toEqual(missingLines([file], 1));
  });

  it('are copied from the commonest line, the one before, and what followed that', () => {
    const train = ['try {\nwork();\n', 'try {\nwork();\n', 'if (x)\nelse;\n', 'else;\nelse;\nelse;\n'];
    const copies = copying(train.map((text, i) => ({ name: `${i}.ts`, text })));
    const line = (before: string) => ({ file, prefix: '', suffix: '', truth: '', before });
    expect(copies.commonest()).toBe('else;');
    expect(copies.before(line('  if (x)'))).toBe('  if (x)');
    expect(copies.afterTheSame(line('  try {'))).toBe('work();');
    expect(copies.afterTheSame(line('never seen'))).toBe('else;');
  });

  it('are written by n-grams up to the end of the line', () => {
    const tokenizer = new ByteTokenizer();
    const tokens = Uint32Array.from(tokenizer.encode('if (a) b();\nelse c();\n'.repeat(20)));
    const write = ngramWriter(new KneserNey(new NgramCounts(tokens, 6, 256)), tokenizer, 30);
    const written = (prefix: string): string => write({ file, prefix, suffix: '', truth: '', before: '' });
    expect(written('if (a) b();\n')).toBe('else c();');
    expect(written('else c();\n')).toBe('if (a) b();');
    expect(written('else c();\n\n')).toBe('else c();'); // two line ends further: the other line was written between
  });

  it('are shown as a change is, and as one line where they are as they were', () => {
    const inner = missingLines([file], 10).find(({ truth }) => truth === 'return 12;')!;
    const rows = (written: string): string[] =>
      [...snippet(inner, written).svg!.matchAll(/preserve">([^<]*)</g)].map(([, row]) => row);
    const [before, after] = [
      ['  /** Says so. */', '  function f() {', '    // why'],
      ['  }', '  ', '    }', '  '],
    ];
    expect(rows('\treturn 12;')).toEqual([...before, '= \treturn 12;', ...after]);
    expect(rows('  a && b < c')).toEqual([...before, '-   return 12;', '+   a &amp;&amp; b &lt; c', ...after]);
    expect(snippet(inner, '').title).toBe('a.ts, line 4');
  });

  it('are found in what is written from the left, the white space before them too', () => {
    const inner = missingLines([{ ...file, text: 'a();\n\n  b();\nc();\n' }], 10).find(
      ({ truth }) => truth === 'b();',
    )!;
    const { prompt, lineOf } = fromLeft(inner);
    expect(prompt).toBe('a();');
    expect(lineOf('\n\n  b();\nmore')).toBe('  b();');
    expect(lineOf(' // and so on\n')).toBe('');
    expect(lineOf('')).toBe('');
  });

  it.each([
    ['', '', 1],
    ['abc', 'abc', 1],
    ['abc', '', 0],
    ['kitten', 'sitting', 1 - 3 / 7],
    ['flaw', 'lawn', 0.5],
  ])('%j and %j are alike by %d', (a, b, alike) => {
    expect(similarity(a, b)).toBeCloseTo(alike, 12);
    expect(similarity(b, a)).toBeCloseTo(alike, 12);
  });
});

describe("a user's file", () => {
  const given = (name: string, text: string): Promise<string> => {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return typescript.read!(path);
  };

  it('is taken though something in it is missing', async () => {
    const text = 'const a = ;\nfunction f() {\n  return a;\n}\n';
    expect(await given('a.ts', text)).toBe(`\f// ${join(scratch, 'a.ts')}\n${text}`);
    expect(await given('short.mts', 'a\n')).toMatch(/\/\/ .*short\.mts\na\n$/);
  });

  it('is refused where it is another language, by its name or by its lines', async () => {
    await expect(typescript.read!(join(scratch, 'none.ts'))).rejects.toThrow(UserError);
    await expect(given('empty.ts', '')).rejects.toThrow(/empty\.ts is empty/);
    await expect(given('a.py', 'import os\n')).rejects.toThrow(
      /a\.py is no TypeScript by its name: give a file that ends/,
    );
    const python = 'def f(x):\n    if x is None:\n        return "a b"\n    for y in x: print y\n'.repeat(4);
    const refused = given('b.ts', python);
    await expect(refused).rejects.toThrow(UserError);
    await expect(refused).rejects.toThrow(
      /b\.ts is not TypeScript: its parser finds mistakes in \d+ lines, the first in line 1/,
    );
  });

  it('is asked for by its name', () => {
    expect(typescript.prompt('')).toBe('\f// ');
    expect(typescript.prompt('zod/src/a.ts')).toBe('\f// zod/src/a.ts\n');
    expect(() => typescript.prompt('two\nlines')).toThrow(/one line/);
  });
});
