import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

/**
 * Which rooms each room stands on; it may import those, and all that they stand on. Rooms are the folders of src, and what lies
 * beside src; `errors.ts` and `schema.ts` of src are open to all.
 */
const STANDS_ON: Record<string, readonly string[]> = {
  gpu: [],
  tensor: ['gpu'],
  kernels: ['tensor'],
  model: ['kernels'],
  text: [],
  node: [],
  report: ['model', 'text'],
  export: ['model', 'text'],
  train: ['model', 'text', 'node', 'report', 'export'],
  tasks: ['train', 'data'],
  cost: ['tasks', 'check'],
  health: ['cost'],
  trust: ['tasks'],
  serve: ['tasks'],
  check: ['train'],
  cli: ['tasks', 'cost', 'health', 'trust', 'serve', 'check'],
  data: ['train'],
  scripts: ['node'],
  bench: ['cli'],
  experiments: ['cli'],
  bin: ['cli', 'bench', 'experiments'],
  test: ['bin', 'scripts'],
};

/** Rooms that run in a browser as they are, and the packages that do so too. */
const PURE = ['gpu', 'tensor', 'kernels', 'model', 'text'];
const PURE_PACKAGES = ['gpt-tokenizer', 'simple-statistics', 'tinyqueue', 'zod'];

/** Files that import themselves on the way round, and are still to be mended. */

const root = new URL('..', import.meta.url).pathname;
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

const files = ['bin', 'src', 'data', 'scripts', 'bench', 'experiments', 'test']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((at) => join(folder, at)),
  )
  .filter((file) => /\.(ts|mjs)$/.test(file))
  .sort();

/** What each file imports, types included: files of ours by their paths, all else by its name. */
const imports = new Map(
  files.map((file) => {
    const { importedFiles } = ts.preProcessFile(textOf(file));
    const local = (name: string): string => (name.startsWith('.') ? normalize(join(dirname(file), name)) : name);
    return [file, importedFiles.map(({ fileName }) => local(fileName))] as const;
  }),
);
const ourImports = (file: string): string[] => imports.get(file)!.filter((target) => imports.has(target));

/** 'gpu' for src/gpu/device.ts, 'src' for src/errors.ts, 'bench' for bench/roof.ts. */
function roomOf(file: string): string {
  const [folder, room, inner] = file.split('/');
  return folder === 'src' && inner ? room : folder;
}

/** All that can be reached from a place, itself only if there is a way back to it. */
function reach(from: string, next: (place: string) => readonly string[], reached = new Set<string>()): Set<string> {
  for (const place of next(from)) {
    if (reached.has(place)) continue;
    reached.add(place);
    reach(place, next, reached);
  }
  return reached;
}

it.each(Object.keys(STANDS_ON))('%s imports only what it stands on', (room) => {
  const open = new Set([room, 'src', ...reach(room, (place) => STANDS_ON[place])]);
  const astray = files
    .filter((file) => roomOf(file) === room)
    .flatMap((file) => ourImports(file).map((target) => ({ file, target })))
    .filter(({ target }) => !open.has(roomOf(target)));
  expect(astray).toEqual([]);
});

it('every file is in a room that has its place', () => {
  expect(files.map(roomOf).filter((room) => room !== 'src' && !(room in STANDS_ON))).toEqual([]);
  expect(Object.keys(STANDS_ON).filter((room) => reach(room, (place) => STANDS_ON[place]).has(room))).toEqual([]);
});

it('what is open to all imports nothing of ours', () => {
  const open = files.filter((file) => roomOf(file) === 'src');
  expect(open).toContain('src/errors.ts');
  expect(open.flatMap(ourImports).filter((target) => roomOf(target) !== 'src')).toEqual([]);
});

it('no file imports itself, however long the way round', () => {
  expect(files.filter((file) => reach(file, ourImports).has(file))).toEqual([]);
});

it.each(PURE)('src/%s uses nothing of Node, and packages that run in a browser', (room) => {
  for (const file of files.filter((one) => one.startsWith(`src/${room}/`))) {
    const packages = imports.get(file)!.filter((target) => !imports.has(target));
    for (const name of packages) expect(PURE_PACKAGES, file).toContain(name.split('/')[0]);
    expect(textOf(file), file).not.toMatch(/\b(process|Buffer)\./);
  }
});

it('only src/gpu says GPUBuffer', () => {
  const others = files.filter((file) => roomOf(file) !== 'gpu' && roomOf(file) !== 'test');
  expect(others.filter((file) => /\bGPUBuffer\b/.test(textOf(file)))).toEqual([]);
});

it('sees imports of every kind', () => {
  const kinds = [`import { a } from './a.ts';`, `import type { B } from './b.ts';`, `export * from './c.ts';`];
  const more = [
    `import './d.ts';`,
    `await import('./e.ts');`,
    `type F = import('./f.ts').F;`,
    `export type { G } from './g.ts';`,
  ];
  const { importedFiles } = ts.preProcessFile([...kinds, ...more].join('\n'));
  expect(importedFiles.map(({ fileName }) => fileName[2])).toEqual([...'abcdefg']);
});
