import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, TEXT, trainedRun, workshop } from '../../helpers/dawnlm.ts';

const cwd = workshop();
const write = (file: string, text: string) => writeFileSync(join(cwd, file), text);
const tune = (...args: string[]) => ['finetune', 'text', '--run', 'run', '--steps', '6', ...args];
const asked = Array.from({ length: 24 }, (_, i) => JSON.stringify({ prompt: `the ship ${i}`, answer: 'white whale' }));

beforeAll(async () => {
  await trainedRun(cwd, '--tokenizer', 'byte');
  write('other.txt', TEXT.replaceAll('whale', 'seal'));
  write('chat.jsonl', `${asked.join('\n')}\n${asked[0]}\n`);
  write('broken.jsonl', `${asked[0]}\n{"prompt": "the sea"}\n`);
  write('empty.txt', '');
});

describe('finetune text', () => {
  it('goes on with a run; what it leaves is a run, with the base and the data in its card', async () => {
    const { stdout } = await succeed(tune('other.txt', '--out', 'on', '--json'), { cwd });
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'result', status: 'finished', steps: 6 });
    const card = JSON.parse(readFileSync(join(cwd, 'on/run.json'), 'utf8'));
    expect(card).toMatchObject({
      tunedFrom: { folder: '../run', method: 'full' },
      dataCard: { name: 'other', tokenizer: 'byte' },
    });
    await succeed(['sample', '--run', 'on', '--tokens', '5'], { cwd });
    await succeed(['eval', '--run', 'on', 'text.txt'], { cwd });
  });

  it('keeps adapters of a few KB apart from their base, several on one', async () => {
    for (const out of ['low', 'lower']) {
      await succeed(tune('other.txt', '--method', 'lora', '--rank', '2', '--out', out), { cwd });
      expect(existsSync(join(cwd, out, 'model.safetensors'))).toBe(false);
      expect(statSync(join(cwd, out, 'adapter_model.safetensors')).size).toBeLessThan(20_000);
    }
    await succeed(['finetune', 'merge', '--run', 'low', '--out', 'merged'], { cwd });
    const written = async (run: string) =>
      (await succeed(['sample', '--run', run, '--tokens', '20', '--seed', '1'], { cwd })).stdout;
    expect(await written('merged')).toBe(await written('low'));
    expect(existsSync(join(cwd, 'merged/adapter_config.json'))).toBe(false);
  });

  it('learns answers, and is prompted as it was tuned', async () => {
    const chat = tune('--chat', 'chat.jsonl', '--out', 'chat', '--steps', '60', '--learning-rate', '3e-3');
    expect((await succeed(chat, { cwd })).stderr).toContain('; 1 duplicates left out\n');
    expect(JSON.parse(readFileSync(join(cwd, 'chat/run.json'), 'utf8')).dataCard).toMatchObject({
      duplicates: 1,
      cut: 0,
    });
    const args = ['sample', '--run', 'chat', '--prompt', 'the ship 3', '--temperature', '0', '--tokens', '30'];
    const { stdout } = await succeed(args, { cwd });
    expect(stdout.startsWith('the ship 3\n')).toBe(true);
    expect(stdout.trim().split('\n').length).toBe(2); // it ends where an answer does
  });

  it.each([
    ['no text', ['finetune', 'text', '--run', 'run'], 2, /no text was given/],
    ['no run', ['finetune', 'text', 'other.txt'], 2, /run to go on from is missing/],
    ['a folder that is no run', ['finetune', 'text', '--run', '.', 'other.txt'], 1, /no complete run folder/],
    ['an empty text', tune('empty.txt'), 1, /empty|too short|no text/],
    ['an answer that is missing', tune('--chat', 'broken.jsonl'), 1, /line 2: "answer" is missing/],
    ['a template without a place', tune('--chat', 'chat.jsonl', '--template', '{prompt}'), 2, /\{answer\}/],
    ['a template without --chat', tune('other.txt', '--template', '{prompt}{answer}'), 2, /give --chat too/],
    ['adapters that nobody asked for', tune('other.txt', '--rank', '2'), 2, /--rank .*give --method lora too/],
    ['unknown layers', tune('other.txt', '--method', 'lora', '--targets', 'q_proj'), 2, /q_proj/],
    ['adapters that are not there', ['finetune', 'merge', '--run', 'run', '--out', 'no'], 1, /run has no adapters/],
    ['a run in the way', ['finetune', 'merge', '--run', 'low', '--out', 'run'], 1, /holds a run already/],
    ['a run that was not tuned', ['finetune', 'text', '--resume', '--out', 'run'], 1, /dawnlm train --resume/],
  ])('refuses %s in a sentence', async (_, args, code, complaint) => {
    const outcome = await dawnlm(args, { cwd });
    expect(outcome.stderr).toMatch(complaint);
    expect(outcome.code).toBe(code);
  });
});
