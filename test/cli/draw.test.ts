import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { fashion } from '../../data/fashion-words/domain.ts';
import { readPng, writePng } from '../../src/node/png.ts';
import { dawnlm, jsonLines, succeed, trainTiny, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
/** The last code. */
const WHITE = 512;
/** 64 codes of one patch, the other patches one after the other. */
const picture = (i: number): string =>
  Array.from({ length: 64 }, (_, at) => String.fromCharCode(0x4e00 + (at === i % 64 ? i : WHITE))).join('');

/** A run that says it was trained on fashion: on pictures with a dot each, since to paint all would take longer than to train. */
beforeAll(async () => {
  const lines = Array.from(
    { length: WHITE + 1 },
    (_, i) => `${fashion.prompt(i % 2 ? 'small red boot left' : '')}${picture(i)}`,
  );
  writeFileSync(join(cwd, 'text.txt'), `${lines.join('\n')}\n`);
  const form = [
    '--tokenizer',
    fashion.settings.tokenizer!,
    '--whole-lines',
    '--block-size',
    '72',
    '--context-growth',
    '0',
  ];
  await succeed(trainTiny('run', ...form), { cwd });
  cpSync(join(cwd, 'run'), join(cwd, 'plain'), { recursive: true });
  const card = JSON.parse(readFileSync(join(cwd, 'run/run.json'), 'utf8'));
  Object.assign(card.dataCard, { name: fashion.name, source: fashion.source });
  writeFileSync(join(cwd, 'run/run.json'), JSON.stringify(card));
});

const drawn = ['draw', '--run', 'run', '--seed', '5'];

it('draws as many pictures as are asked for, the same for the same seed', async () => {
  const args = [...drawn, 'a small red boot, left', '--count', '5', '--json'];
  const [first] = jsonLines((await succeed([...args, '--out', 'boots.png'], { cwd })).stdout);
  const { things, prompt } = first as { things: string[]; prompt: string };
  expect(things).toHaveLength(5);
  expect(new Set(things.map((thing) => thing.slice(0, prompt.length)))).toEqual(new Set([prompt]));
  expect(await readPng(join(cwd, 'boots.png'))).toMatchObject({ width: 3 * 136 + 8, height: 2 * 136 + 8 });
  const [again] = jsonLines((await succeed([...args, '--out', 'boots.svg'], { cwd })).stdout);
  expect(again.things).toEqual(things);
  expect(readFileSync(join(cwd, 'boots.svg'), 'utf8')).toContain('>small red boot left</text>');
});

it('goes on from the upper half of a picture', async () => {
  await writePng(join(cwd, 'half.png'), { width: 32, height: 16, rgba: new Uint8Array(32 * 16 * 4).fill(255) });
  const args = [...drawn, 'red', '--complete', 'half.png', '--count', '2', '--out', 'whole.png'];
  const [{ things }] = jsonLines((await succeed([...args, '--json'], { cwd })).stdout) as { things: string[] }[];
  const begun = `any red any any :${String.fromCharCode(0x4e00 + WHITE).repeat(32)}`;
  for (const thing of things) expect(thing.slice(0, begun.length)).toBe(begun);
  expect((await succeed(args, { cwd })).stdout).toBe('drawn: whole.png\n');
});

it.each([
  [[...drawn, 'a green whale', '--out', 'x.png'], 1, '"whale" is no word that this model knows'],
  [[...drawn, 'boot', '--out', 'x.gif'], 1, 'x.gif: things of fashion are drawn as .png or .svg'],
  [[...drawn, '--complete', 'text.txt', '--out', 'x.png'], 1, 'text.txt is no PNG file'],
  [[...drawn, 'boot'], 2, "required option '--out <file>'"],
  [['draw', '--run', 'plain', '--out', 'x.png'], 1, 'plain was trained on text, of which nothing can be drawn'],
] as const)('%j is refused', async (args, code, message) => {
  const outcome = await dawnlm(args, { cwd });
  expect(outcome.stderr).toContain(message);
  expect([outcome.code, outcome.stdout]).toEqual([code, '']);
});
