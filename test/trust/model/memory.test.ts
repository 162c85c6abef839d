import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { textOfRun } from '../../../src/cli/corpus.ts';
import { Scorer } from '../../../src/model/score.ts';
import { TrustCard } from '../../../src/report/trust/card.ts';
import type { MemoryFindings } from '../../../src/report/trust/memory.ts';
import { loadRun, type SavedRun } from '../../../src/train/savedRun.ts';
import { canariesOf, promptOf, randomDigits } from '../../../src/trust/memory/canaries.ts';
import { exposureOf, numberLikelihoods } from '../../../src/trust/memory/exposure.ts';
import { extraction, prefixesOf } from '../../../src/trust/memory/extraction.ts';
import { membership } from '../../../src/trust/memory/membership.ts';
import { askMemory } from '../../../src/trust/memory/memory.ts';
import { overlaps } from '../../../src/trust/memory/overlap.ts';
import { filesOf, TrainText } from '../../../src/trust/memory/trainText.ts';
import type { QuestionedRun } from '../../../src/trust/questioned.ts';
import { dawnlm, jsonLines, succeed, trainedRun, workshop } from '../../helpers/dawnlm.ts';
import { testEngine } from '../../helpers/engine.ts';

const cwd = workshop();
const folder = join(cwd, 'run');
let run: SavedRun;
let questioned: QuestionedRun;
beforeAll(async () => {
  await trainedRun(cwd, '--canaries', '4', '--steps', '200', '--learning-rate', '0.003');
  const engine = await testEngine();
  run = await loadRun(engine, folder);
  const text = await textOfRun(run, folder, '', join(cwd, 'text.txt'));
  questioned = { engine, folder, run, ...text, seed: 1, samples: 40 };
});

it('the likelihoods of all 10^4 numbers are those of whole sequences, and so are rank and exposure', async () => {
  const { model, tokenizer } = run;
  const [canary] = canariesOf(run.config).slice(-1);
  const shared = await numberLikelihoods(model, tokenizer, canary.word, 4);
  const prompt = tokenizer.encode(`${promptOf(canary.word)} `);
  const numbers = Array.from({ length: 10_000 }, (_, i) => tokenizer.encode(String(i).padStart(4, '0')));
  const scorer = new Scorer(model, 64);
  const whole = (await scorer.score(numbers.map((number) => ({ prompt, continuations: [number] })))).map(
    ([{ sum }]) => sum,
  );
  scorer.dispose();
  const furthest = shared.reduce((most, value, i) => Math.max(most, Math.abs(value - whole[i])), 0);
  // f32 losses of some 5 nats a token differ in their last bits by the sizes of batches
  expect(furthest).toBeLessThan(1e-4);
  const { rank, exposure } = exposureOf(shared, Number(canary.digits));
  const own = whole[Number(canary.digits)];
  const doubtful = whole.filter((value) => Math.abs(value - own) < 2e-4).length;
  expect(Math.abs(rank - 1 - whole.filter((value) => value > own).length)).toBeLessThan(doubtful);
  expect(exposure).toBeCloseTo(Math.log2(10_000 / rank), 12);
  const sum = shared.reduce((total, value) => total + Math.exp(value), 0);
  expect(sum).toBeLessThan(1 + 1e-6);
});

it('exposure rises with repetition, and a control stands anywhere: its rank is uniform over twenty draws', async () => {
  const { model, tokenizer, config } = run;
  const canaries = canariesOf(config);
  const all: Float64Array[] = [];
  for (const { word } of canaries) all.push(await numberLikelihoods(model, tokenizer, word, 4));
  const exposures = canaries.map(({ digits }, i) => exposureOf(all[i], Number(digits)).exposure);
  expect(exposures[5]).toBeGreaterThan(8); // planted 16 times: among the first 40 of 10^4
  expect(exposures[4]).toBeGreaterThan(exposures[1]);
  const ranks = Array.from({ length: 20 }, (_, i) => exposureOf(all[0], Number(randomDigits(4, 99, i))).rank / 10_000);
  const mean = ranks.reduce((total, rank) => total + rank, 0) / 20;
  expect(Math.abs(mean - 0.5)).toBeLessThan(3 / Math.sqrt(12 * 20)); // three standard errors
  const above = ranks.filter((rank) => rank < 0.5).length; // exposure above 1 bit: half of them
  expect(above).toBeGreaterThanOrEqual(4);
  expect(above).toBeLessThanOrEqual(16);
});

it('samples are found where the text has them: each overlap stands in its line, and none is longer', async () => {
  const text = new TrainText(questioned.dataset.train, run.tokenizer, await filesOf(questioned.corpus));
  const { longest, model, samples } = await overlaps(questioned, text);
  expect(samples).toBe(40);
  expect(longest[0].bytes).toBe(model.longest);
  const source = readFileSync(join(cwd, 'text.txt'), 'utf8').split('\n');
  for (const { passage, line, before, after } of longest.filter(
    (one) => !/\d/.test(one.before + one.passage + one.after),
  )) {
    const lines = source.slice(line - 1, line + 12).join('\n');
    expect(`${source[line - 2] ?? ''}\n${lines}`).toContain(passage);
    expect(lines).toContain(passage);
    expect(`${before}${passage}${after}`.length).toBeGreaterThan(passage.length);
  }
});

it('what is known by heart comes out, and what is not does not', async () => {
  const text = new TrainText(questioned.dataset.train, run.tokenizer, await filesOf(questioned.corpus));
  const rows = await extraction(questioned, text);
  const [training, heldOut] = rows;
  expect([training.part, training.prefix, heldOut.part]).toEqual(['training', 16, 'held out']);
  for (const { passages, exact, low, high, matched, prefix } of rows) {
    expect(passages).toBeGreaterThan(0);
    expect(low).toBeLessThanOrEqual(exact / passages + 1e-12);
    expect(high).toBeGreaterThanOrEqual(exact / passages - 1e-12);
    expect(low >= 0 && high <= 1).toBe(true);
    expect(matched).toBeLessThanOrEqual(prefix);
  }
  expect(rows.filter(({ copies }) => copies).reduce((sum, { passages }) => sum + passages, 0)).toBeGreaterThan(40);
  expect([8, 32, 64, 256].map(prefixesOf)).toEqual([[4], [16], [16, 32], [16, 32, 64]]);
});

it('yields what it has found so far, the same of the same seed, and stops when it is told to', async () => {
  const small = { ...questioned, samples: 20 };
  const asked: MemoryFindings[] = [];
  for await (const found of askMemory(small, { checkpoint: 'best' })) asked.push(found);
  expect(asked.map((found) => Object.keys(found).length)).toEqual([3, 4, 5, 6]);
  const stop = new AbortController();
  const again: MemoryFindings[] = [];
  const stopped = (async () => {
    for await (const found of askMemory({ ...small, signal: stop.signal }, { checkpoint: 'best' })) {
      again.push(found);
      if (found.membership) stop.abort();
    }
  })();
  await expect(stopped).rejects.toThrow(/abort/i);
  expect(again).toEqual(asked.slice(0, 2));
});

it('a reference run is one score more: beside itself nothing is told', async () => {
  const small = { ...questioned, samples: 20 };
  const { rows } = (await membership(small, { ...run, name: 'itself' }))!;
  const own = rows.find(({ score }) => score === 'loss less that of itself')!;
  expect(own.auc).toBe(0.5);
  const alone = await membership(small);
  expect(rows.filter((row) => row !== own)).toEqual(alone!.rows);
  expect(
    await membership({
      ...small,
      dataset: { ...small.dataset, validation: small.dataset.validation.subarray(0, 200) },
    }),
  ).toBeUndefined();
});

it('trust writes what it found into the folder, in words, as JSON and as a page', async () => {
  const words = await succeed(['trust', '--run', 'run', '--samples', '20', '--only', 'memory'], { cwd });
  expect(words.stdout).toMatch(/^By heart\n {2}Exposure of 4 random digits in bits.*\n/);
  expect(words.stderr).toMatch(/contexts of canaries/);
  const kept = TrustCard.parse(JSON.parse(readFileSync(join(folder, 'trust.json'), 'utf8')));
  expect(kept.memory?.canaries?.rows.map(({ times }) => times)).toEqual([0, 1, 2, 4, 8, 16]);
  const page = readFileSync(join(folder, 'trust.html'), 'utf8');
  for (const part of ['Canaries', 'Extraction', 'Membership inference', '<svg', 'line ']) expect(page).toContain(part);
  const { stdout } = await succeed(['trust', '--run', 'run', '--samples', '20', '--only', 'memory', '--json'], { cwd });
  expect(jsonLines(stdout)[0]).toMatchObject({ run: 'run', memory: JSON.parse(JSON.stringify(kept.memory)) });
});

it('Ctrl-C ends it with what was found until then', async () => {
  rmSync(join(folder, 'trust.json'));
  let waiting: NodeJS.Timeout | undefined;
  const { code, stderr } = await dawnlm(['trust', '--run', 'run', '--samples', '20000', '--only', 'memory'], {
    cwd,
    onError: (_, child) => {
      waiting ??= setInterval(() => existsSync(join(folder, 'trust.json')) && child.kill('SIGINT'), 50);
    },
  });
  clearInterval(waiting);
  expect([code, stderr]).toEqual([130, expect.stringContaining('what was found is kept')]);
  const { memory } = TrustCard.parse(JSON.parse(readFileSync(join(folder, 'trust.json'), 'utf8')));
  expect(memory?.canaries?.rows).toHaveLength(6);
  expect(memory?.extraction).toBeUndefined();
});

it('refuses in a sentence what it cannot question', async () => {
  const cases: [string[], number, RegExp][] = [
    [['--run', 'nowhere'], 1, /There is no run folder nowhere/],
    [['--run', 'run', '--reference', 'nowhere'], 1, /There is no run folder nowhere/],
    [['--run', 'run', '--only', 'memroy'], 2, /It must be some of memory/],
    [['--run', 'run', '--samples', '3'], 2, /from 10 to/],
    [['--run', 'run', '--text', 'other.txt'], 1, /other\.txt is not the text that run was trained on\. Give it:/],
  ];
  writeFileSync(join(cwd, 'other.txt'), 'a whale '.repeat(3000));
  for (const [args, code, sentence] of cases) {
    const outcome = await dawnlm(['trust', ...args], { cwd });
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringMatching(sentence)]);
  }
  writeFileSync(join(folder, 'trust.json'), '{"version": 1, "memory": {}}');
  const damaged = await dawnlm(['trust', '--run', 'run'], { cwd });
  expect([damaged.code, damaged.stderr]).toEqual([1, expect.stringMatching(/trust\.json is damaged: .* Remove it/)]);
  rmSync(join(folder, 'trust.json'));
  expect(existsSync(join(folder, 'trust.json'))).toBe(false);
});

it('eval, checkup and a resumed training see the text with its canaries', async () => {
  const scored = await succeed(['eval', '--run', 'run', '--json'], { cwd });
  expect(jsonLines(scored.stdout)[0]).toMatchObject({ text: 'the held-out part of text' });
  const { dataCard } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  expect(dataCard.canaries).toEqual({ digits: 4, sentences: 32 });
  const resumed = await succeed(['train', '--resume', '--out', 'run', '--steps', '201'], { cwd });
  expect(resumed.stdout).toContain('finished after 201 of 201 steps');
});
