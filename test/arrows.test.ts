import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

/** Which rooms of src each room may import. Arrows point one way; src/errors.ts is open to all. */
const LOWER: Record<string, string[]> = {
  gpu: [],
  tensor: ['gpu'],
  kernels: ['gpu', 'tensor'],
  model: ['gpu', 'tensor', 'kernels'],
  text: [],
  export: ['model'],
  report: ['model', 'text'],
  node: [],
  train: ['gpu', 'tensor', 'kernels', 'model', 'text', 'export', 'report', 'node', 'tasks'],
  tasks: ['gpu', 'tensor', 'kernels', 'model', 'text', 'export', 'report', 'node', 'train'],
  check: ['gpu', 'tensor', 'kernels', 'model', 'text', 'export', 'report', 'node', 'train'],
  cli: [
    'gpu',
    'tensor',
    'kernels',
    'model',
    'text',
    'export',
    'report',
    'node',
    'train',
    'tasks',
    '../data',
    '../bench',
  ],
};
/** Rooms that run in a browser as they are, and the packages that they may use. */
const PURE: Record<string, string[]> = {
  gpu: [],
  tensor: ['simple-statistics'],
  kernels: [],
  model: [],
  text: ['gpt-tokenizer', 'papaparse', 'tinyqueue'],
};
const IMPORT = /^(?:import|export)\s(?:[^;'"=(]*\sfrom\s)?'([^']+)'|\bimport\(\s*['"`]([^'"`]+)/gm;

const src = new URL('../src', import.meta.url).pathname;
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const roomOf = (path: string) =>
  path
    .split('/')
    .slice(0, path.startsWith('..') ? 2 : 1)
    .join('/');

it.each(files)('src/%s imports only what is below it', (file) => {
  const text = readFileSync(join(src, file), 'utf8');
  const room = roomOf(file);
  const open = [room, 'errors.ts', ...(LOWER[room] ?? [])];
  for (const [, from, dynamic] of text.matchAll(IMPORT)) {
    const target = from ?? dynamic;
    if (target.startsWith('.')) expect(open).toContain(roomOf(relative(src, join(src, dirname(file), target))));
    else if (room in PURE) expect(PURE[room]).toContain(target.split('/')[0]);
  }
  if (room !== 'gpu') expect(text, 'only src/gpu says GPUBuffer').not.toMatch(/\bGPUBuffer\b/);
});
