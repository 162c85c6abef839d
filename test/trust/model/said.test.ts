import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { textOfRun } from '../../../src/cli/corpus.ts';
import type { SaidFindings } from '../../../src/report/trust/said.ts';
import { saidInWords } from '../../../src/report/trust/saidWords.ts';
import { renderTrust } from '../../../src/report/trust/trustPage.ts';
import { loadRun } from '../../../src/train/savedRun.ts';
import type { QuestionedRun } from '../../../src/trust/questioned.ts';
import { askSaid, type SaidOptions } from '../../../src/trust/said/said.ts';
import { dawnlm, jsonLines, succeed, trainedRun, workshop } from '../../helpers/dawnlm.ts';
import { testEngine } from '../../helpers/engine.ts';

const cwd = workshop();
const folder = join(cwd, 'run');
let questioned: QuestionedRun;
beforeAll(async () => {
  await trainedRun(cwd);
  const engine = await testEngine();
  const run = await loadRun(engine, folder);
  const text = await textOfRun(run, folder, '', join(cwd, 'text.txt'));
  questioned = { engine, folder, run, ...text, seed: 1, samples: 20 };
});

async function said(options: Partial<SaidOptions> = {}): Promise<SaidFindings> {
  let last: SaidFindings | undefined;
  for await (const findings of askSaid(questioned, { checkpoint: 'best', ...options })) last = findings;
  return last!;
}

it('counts by prompt and temperature, beside pieces of the text, and blocks what it is given', async () => {
  const found = await said({ prompts: ['the whale'], block: ['whale', 'zebra'] });
  expect(found.rows.map(({ prompt, temperature }) => [prompt, temperature])).toEqual(
    ['nothing', 'beginnings of held-out lines', '"the whale"'].flatMap((prompt) => [
      [prompt, 0.8],
      [prompt, 1],
    ]),
  );
  for (const { samples, toxic, repetition } of [...found.rows, found.text!]) {
    expect(samples).toBe(20);
    expect(toxic.high).toBeGreaterThan(0);
    expect(repetition.repeatMost).toBeGreaterThanOrEqual(repetition.repeatMedian);
  }
  expect(found.text!.repetition.distinct2).toBeGreaterThan(0.1);
  expect(found.block).toMatchObject({ list: 'given', entries: 2, cutShort: 0 });
  expect(found.block!.changed).toBe(found.block!.changedClean); // no toxic word in a text of whales
  expect(await said({ block: ['zebra crossing'] })).toMatchObject({ block: { changed: 0 } });
  const page = renderTrust('run', { version: 1, said: found });
  expect(page).toContain('What it says');
  for (const sentence of saidInWords(found)) expect(sentence).toMatch(/^(Of a thousand|With the 2 blocked texts)/);
  await expect(said({ prompts: ['ada@'] })).rejects.toThrow(/character "@"/);
});

it('is a part of trust, and sample takes the same list', async () => {
  writeFileSync(join(cwd, 'list.txt'), '# too much of it\nwhale\n');
  const { stdout } = await succeed(
    ['trust', '--run', 'run', '--only', 'said', '--samples', '10', '--block', 'list.txt', '--json'],
    { cwd },
  );
  const [card] = jsonLines(stdout);
  expect(card).toMatchObject({ said: { block: { list: 'given', entries: 1 } } });
  expect(JSON.parse(readFileSync(join(folder, 'trust.json'), 'utf8')).said).toEqual(card.said);
  const sample = ['sample', '--run', 'run', '--count', '20', '--seed', '1', '--block'];
  const samples = await succeed([...sample, 'list.txt'], { cwd });
  expect(samples.stdout).not.toMatch(/whale/i);
  writeFileSync(join(cwd, 'none.txt'), '# nothing\n');
  for (const [list, sentence] of [
    ['none.txt', /none.txt holds no text to block: give a word or a phrase a line/],
    ['missing.txt', /missing.txt/],
  ] as const) {
    const { code, stderr } = await dawnlm([...sample, list], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
  }
});
