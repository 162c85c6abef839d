import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const STATIC = /^(?:import|export)\s(?!type\s)(?:[^;'"=(]*\sfrom\s)?'([^']+)'/gm;

/** Everything that a file imports when it is loaded, over all files between; packages by their names. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!file.endsWith('.ts')) return seen;
  for (const [, from] of readFileSync(file, 'utf8').matchAll(STATIC)) {
    loadedWith(from.startsWith('.') ? join(dirname(file), from) : from, seen);
  }
  return seen;
}

const root = new URL('../..', import.meta.url).pathname;

/** The command line, and its verbs, which it loads when they are asked for. */
const verbs = readdirSync(join(root, 'src/cli')).filter((name) => name.endsWith('.ts'));

it.each([...verbs.map((name) => `src/cli/${name}`), 'bench/verbs/bench.ts', 'experiments/verbs/experiment.ts'])(
  '%s starts without what draws charts, which takes a second to load',
  (file) => {
    const loaded = [...loadedWith(join(root, file))];
    expect(loaded.length).toBeGreaterThan(1);
    expect(loaded.filter((name) => /observablehq|linkedom/.test(name))).toEqual([]);
  },
);

it('a report does draw charts', () => {
  const loaded = loadedWith(join(root, 'src/report/trainingReport.ts'));
  for (const name of ['@observablehq/plot', 'linkedom/worker']) expect(loaded).toContain(name);
});
