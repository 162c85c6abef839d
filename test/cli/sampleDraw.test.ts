import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { molecules } from '../../data/molecules/domain.ts';
import { wordsOf } from '../../data/molecules/words.ts';
import { RDKIT } from '../../data/packages.ts';
import { cacheFolder } from '../../src/node/files.ts';
import { fetchPackage } from '../../src/node/npm.ts';
import { dawnlm, succeed, trainTiny, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
/** A cache in which the domain lies as if it had been built: chains of carbon, for building the real one takes a minute. */
const env = { DAWNLM_CACHE: join(cwd, 'cache') };

beforeAll(async () => {
  await fetchPackage(RDKIT, () => {});
  const built = join(env.DAWNLM_CACHE, 'data', `molecules-${molecules.sha256.slice(0, 12)}`);
  mkdirSync(built, { recursive: true });
  symlinkSync(join(cacheFolder(), 'packages'), join(env.DAWNLM_CACHE, 'packages'));
  const lines = Array.from({ length: 1200 }, (_, i) => {
    const words = wordsOf({ weight: 80 + 10 * (i % 29), logP: 0.25 * (i % 33) - 2.5, rings: i % 2 });
    return `${words}${i % 2 ? 'C1=CC=CC=C1' : ''}${'C'.repeat(6 + (i % 7))}`;
  });
  writeFileSync(join(built, 'corpus.txt'), `${lines.join('\n')}\n`);
  writeFileSync(join(built, 'test.txt'), 'canonical, weight 90, logP 2.5, rings 0: CCCCCC\n');
  await succeed(['train', 'molecules', '--preset', 'tiny', '--steps', '30', '--out', 'm'], { cwd, env });
});

const sample = ['sample', '--run', 'm', '--count', '3', '--seed', '1'];

it('draws what it writes, a line each, and prints it too', async () => {
  const { stdout, stderr } = await succeed([...sample, '--prompt', 'canonical, rings 1: ', '--draw', 'sheet.svg'], {
    cwd,
    env,
  });
  const written = stdout.split(/\n-+\n/).map((text) => text.trim());
  expect(written).toHaveLength(3);
  for (const text of written) expect(text).toMatch(/^canonical, rings 1:[^\n]*$/);
  const svg = readFileSync(join(cwd, 'sheet.svg'), 'utf8');
  expect(svg.match(/said: rings 1</g)).toHaveLength(3);
  expect(stderr).toContain('drawn: sheet.svg');
});

it('begins what any molecule begins with unless it is told with what', async () => {
  const { stdout } = await succeed(sample, { cwd, env });
  for (const text of stdout.split(/\n-+\n/)) expect(text.trim()).toMatch(/^canonical/);
});

it('says what cannot be drawn', async () => {
  const png = await dawnlm([...sample, '--draw', 'sheet.png'], { cwd, env });
  expect([png.code, png.stderr]).toEqual([
    1,
    expect.stringMatching(/sheet\.png: things of molecules are drawn as \.svg/),
  ]);
  await succeed(trainTiny('t'), { cwd });
  const text = await dawnlm(['sample', '--run', 't', '--draw', 'x.svg'], { cwd });
  expect([text.code, text.stderr]).toEqual([1, expect.stringMatching(/What t writes cannot be drawn: .*molecules/)]);
});

it('scores a file of SMILES, and names the line of a broken one', async () => {
  writeFileSync(join(cwd, 'good.smi'), 'Cc1ccccc1 toluene\nCCCCCCC\n');
  writeFileSync(join(cwd, 'bad.smi'), 'CCCCCC\nC1CCC(\n');
  const good = await succeed(['eval', '--run', 'm', 'good.smi', '--json'], { cwd, env });
  expect(JSON.parse(good.stdout)).toMatchObject({ text: 'good.smi', loss: expect.any(Number) });
  const bad = await dawnlm(['eval', '--run', 'm', 'bad.smi'], { cwd, env });
  expect([bad.code, bad.stderr]).toEqual([1, expect.stringMatching(/bad\.smi, line 2: "C1CCC\(" is no molecule/)]);
});
