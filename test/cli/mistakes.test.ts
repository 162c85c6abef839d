import { copyFileSync, cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { dawnlm, succeed, TEXT, trainedRun, trainTiny, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
const tiny = (...args: string[]) => ['train', '--preset', 'tiny', '--out', 'fresh', ...args];
const sample = (...args: string[]) => ['sample', '--run', 'run', ...args];

beforeAll(async () => {
  await trainedRun(cwd);
  writeFileSync(join(cwd, 'empty.txt'), '');
  writeFileSync(join(cwd, 'binary.txt'), Buffer.from([77, 90, 0, 1, 2, 0]));
  writeFileSync(join(cwd, 'latin1.txt'), Buffer.from('Käse '.repeat(400), 'latin1'));
  writeFileSync(join(cwd, 'short.txt'), TEXT.slice(0, 200));
  writeFileSync(join(cwd, 'notes.json'), 'nLayer: 6');
  writeFileSync(join(cwd, 'wrong.json'), '{ "nLayers": 6 }');
  mkdirSync(join(cwd, 'no-text'));
  copyFileSync(join(cwd, 'text.txt'), join(cwd, 'occupied'));
  cpSync(join(cwd, 'run'), join(cwd, 'cut'), { recursive: true });
  truncateSync(join(cwd, 'cut/best.safetensors'), 1000);
});

const MISTAKES: [name: string, code: number, args: string[], sentence: RegExp][] = [
  [
    'no such file',
    1,
    tiny('missing.txt'),
    /no corpus, file or folder called "missing\.txt"\. Known corpora: moby-dick/,
  ],
  ['an empty file', 1, tiny('empty.txt'), /empty\.txt is empty/],
  ['a binary file', 1, tiny('binary.txt'), /binary file .*NUL/],
  ['a file that is not UTF-8', 1, tiny('latin1.txt'), /not UTF-8 .*iconv/],
  ['a folder without text', 1, tiny('no-text'), /holds no \.txt or \.md file/],
  ['a text shorter than a window', 1, tiny('short.txt'), /too short.*20 tokens.*a window takes 33/],
  ['empty standard input', 1, tiny('-'), /Standard input is empty/],
  [
    'an unknown preset',
    2,
    ['train', 'text.txt', '--preset', 'huge'],
    /unknown preset "huge"; the presets are quick, nano/,
  ],
  [
    'an unknown flag',
    2,
    tiny('text.txt', '--n-layers', '2'),
    /unknown option '--n-layers'\n\(Did you mean --n-layer\?\)/,
  ],
  [
    'an unknown tokenizer',
    2,
    tiny('text.txt', '--tokenizer', 'wordpiece'),
    /unknown tokenizer "wordpiece"; choose one of/,
  ],
  ['heads that do not divide the width', 2, tiny('text.txt', '--n-head', '3'), /3 heads cannot share a width of 32/],
  ['no minutes', 2, ['train', 'text.txt', '--minutes', '0'], /'--minutes <n>' argument '0' is invalid\. It must be/],
  ['half a layer', 2, ['train', 'text.txt', '--depth', '1.5'], /'--depth <layers>' argument '1\.5' is invalid/],
  ['a length and a dial', 2, ['train', 'text.txt', '--minutes', '1', '--steps', '5'], /leave --steps away/],
  [
    'a number that is none',
    2,
    tiny('text.txt', '--steps', 'many'),
    /'--steps <value>' argument 'many' is invalid\. It must be a whole number of 1 or more/,
  ],
  [
    'a config file that is missing',
    1,
    tiny('text.txt', '--config', 'none.json'),
    /config file none\.json cannot be read/,
  ],
  ['a config file that never ends', 1, tiny('text.txt', '--config', '/dev/zero'), /cannot be read.*is a device/],
  [
    'a config file that is not JSON',
    2,
    tiny('text.txt', '--config', 'notes.json'),
    /notes\.json holds no settings as \{"nLayer": 6\}: it is not JSON \(Unexpected/,
  ],
  [
    'a config file with a wrong setting',
    2,
    tiny('text.txt', '--config', 'wrong.json'),
    /wrong\.json .*: unknown setting "nLayers"; the settings are style, nLayer/,
  ],
  [
    'a folder that cannot be made',
    1,
    trainTiny('occupied/run'),
    /occupied\/run.* cannot be written.*Choose another folder/,
  ],
  ['a run in the way', 1, trainTiny('run'), /run holds a finished run \(30 steps[\s\S]*--force/],
  ['nothing to resume', 1, tiny('text.txt', '--resume'), /no run folder fresh/],
  [
    'resuming with other settings',
    2,
    trainTiny('run', '--resume', '--n-layer', '3'),
    /run was trained with nLayer = 2, not 3/,
  ],
  ['an unknown verb', 2, ['trian'], /unknown command 'trian'\n\(Did you mean train\?\)/],
  ['no run', 2, ['sample'], /required option '--run <folder>' not specified/],
  ['a folder that is not there', 1, ['sample', '--run', 'nowhere'], /no run folder nowhere/],
  ['a folder that is no run', 1, ['eval', '--run', 'no-text'], /no-text is no complete run folder/],
  ['cut weights', 1, ['sample', '--run', 'cut'], /cut\/best\.safetensors.*(truncated|shorter|incomplete|cut|ends)/],
  ['characters never seen', 1, sample('--prompt', 'naïve'), /character "ï" .*not among the/],
  ['a temperature in words', 2, sample('--temperature', 'hot'), /'hot' is invalid\. It must be a number of 0 or more/],
  ['a count of a half', 2, sample('--count', '0.5'), /must be a whole number from 1 to 256/],
  [
    'several samples with probabilities',
    2,
    sample('--count', '2', '--show-probabilities'),
    /cannot be used with option '--count/,
  ],
  ['a text too short to score', 1, ['eval', '--run', 'run', 'one.txt'], /one holds 1 tokens, but 2 or more are needed/],
  ["a run's tokenizer and nothing to encode", 2, ['tokenize', '--run', 'run'], /nothing to encode/],
  ['an unknown op', 2, ['bench', 'kernels', '--op', 'fft'], /no op has "fft" in its name; the ops are/],
  ['an adapter that nobody has', 2, sample('--adapter', 'voodoo2'), /No adapter is called "voodoo2"/],
  ["an adapter by a name that is JavaScript's", 2, sample('--adapter', 'toString'), /No adapter is called "toString"/],
];

it.each(MISTAKES)('%s', async (_, code, args, sentence) => {
  writeFileSync(join(cwd, 'one.txt'), 't');
  const outcome = await dawnlm(args, { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.stderr).toMatch(/^dawnlm: /m);
  expect(outcome.stderr).not.toContain('should not have happened');
  expect(outcome.code).toBe(code);
});

it('takes the adapter from the environment', async () => {
  const { code, stderr } = await dawnlm(sample(), { cwd, env: { DAWNLM_ADAPTER: 'nonsense' } });
  expect(stderr).toMatch(/No adapter is called "nonsense"/);
  expect(code).toBe(2);
});

it('shows a stack to those who ask for it', async () => {
  const { stderr } = await dawnlm(['eval', '--run', 'no-text'], { cwd, env: { DAWNLM_DEBUG: '1' } });
  expect(stderr).toMatch(/^ +at /m);
});

it('keeps the run that is in the way', async () => {
  const weights = readFileSync(join(cwd, 'run/model.safetensors'));
  const { stderr } = await succeed(trainTiny('run', '--force', '--steps', '6'), { cwd });
  expect(stderr).toContain('the run that was in run is now in run.1');
  expect(readFileSync(join(cwd, 'run.1/model.safetensors')).equals(weights)).toBe(true);
});
