import { describe, expect, it } from 'vitest';
import { renderTransferReport } from '../../../experiments/report/transfer.ts';
import type { TransferResult } from '../../../experiments/transfer/result.ts';
import { bodyOf, expectWellFormed } from '../../helpers/page.ts';
import { curvesOf, nothing, RESULTS, tags, task, transfer, withTask } from './transferResult.ts';

describe.each(RESULTS)('of %s', (_, changes) => {
  const page = renderTransferReport(transfer(changes));

  it('is a whole page without a hole in its numbers', () => {
    expectWellFormed(page);
    expect(bodyOf(page)).not.toMatch(/NaN|undefined|Infinity|null|\[object/);
    expect(new Set(page.match(/ id="[^"]*"/g)).size).toBe((page.match(/ id="[^"]*"/g) ?? []).length);
  });
});

describe('says', () => {
  const textOf = (changes: Partial<TransferResult> = {}): string => bodyOf(renderTransferReport(transfer(changes)));

  it('what was done', () => {
    const page = textOf();
    for (const words of ['3.21M', '12.3M', '1.883', 'pretrained on Stories', 'AG News and Entities', '8 to 4,732']) {
      expect(page).toContain(words);
    }
    expect(page.replace(/\n/g, ' ')).toContain(
      'as many as to train on, 100 at most. Words and majority learn without.',
    );
    expect(page).toContain('from 8 to 4,732 labels, and from all that there are, with');
    expect(textOf(withTask({ curves: curvesOf(5, [8, 64]) }))).not.toContain('from all');
    expect(page).not.toContain('class="notice');
    expect(textOf({ complete: false })).toContain('Not all that was planned is measured yet');
  });

  const gain = {
    ...{
      n: 8,
      first: 0.612,
      second: 0.4,
      firstDeviation: 0.021,
      secondDeviation: 0.03,
      gain: 0.212,
      gainDeviation: 0.04,
    },
    ...{ wins: 5, seeds: 5, p: 0.0123, beyondSpread: true },
  };
  const compared = (gains: (typeof gain)[], needed: [number, 'about' | 'at most' | 'more than', number][] = []) => ({
    test: 'paired t over seeds, two-sided' as const,
    gains,
    labelsNeeded: needed.map(([n, bound, labels]) => ({ n, bound, labels, score: 0.6, factor: labels / n })),
  });

  it('how many labels the random start needs, and what is only a bound', () => {
    const needed = compared(
      [gain],
      [
        [8, 'at most', 8],
        [16, 'about', 33.6],
        [32, 'about', 260],
        [64, 'more than', 512],
      ],
    );
    const page = textOf(withTask({ pretraining: needed }));
    expect(page).toContain('≤1× for 8, 2.1× for 16, 8.1× for 32, &gt;8× for 64');
    expect(page).toContain('about 260 (8.1×)');
    expect(page).toContain('more than 512 (8×)');
    expect(page).toContain('at most 8 (1×)');
  });

  it('no more than a bound allows', () => {
    const needed = compared(
      [gain],
      [
        [128, 'more than', 4732],
        [700, 'at most', 8],
      ],
    );
    expect(textOf(withTask({ pretraining: needed }))).toContain('&gt;36× for 128, ≤0.012× for 700');
  });

  it('whether full beats random beyond the spread, up to 512 labels', () => {
    const pretraining = (...gains: Partial<typeof gain>[]) =>
      textOf(withTask({ pretraining: compared(gains.map((one) => ({ ...gain, ...one }))), overWords: null }));
    const beyond = { n: 1024, gain: -0.02, beyondSpread: false };
    expect(pretraining({}, { n: 512, gain: 0.105 }, beyond)).toContain(
      'at 2 of 2 sizes, beyond the spread at 2 (+10.5 to +21.2)',
    );
    const mixed = pretraining({}, { n: 32, beyondSpread: false }, { n: 512, gain: -0.004, beyondSpread: false });
    expect(mixed).toContain('at 2 of 3 sizes, beyond the spread at 1 (−0.4 to +21.2)');
    expect(pretraining({})).toContain('full 61.2% ± 2.1, random 40.0% ± 3.0 with 8 labels');
  });

  it('that a single seed has neither spread nor p', () => {
    const single = { ...gain, seeds: 1, wins: 1, p: null as unknown as number, beyondSpread: false };
    const page = textOf({ seeds: [1], ...withTask({ pretraining: compared([single]), overWords: null }) });
    expect(page).toContain('at 1 of 1 size, beyond the spread at 0, unknown at 1 of a single seed');
    const both = [gain, { ...single, n: 300 }];
    expect(textOf(withTask({ pretraining: compared(both), overWords: null }))).toContain(
      'at 2 of 2 sizes, beyond the spread at 1, unknown at 1 of a single seed',
    );
    const behind = [gain, { ...single, n: 300, gain: -0.01 }];
    expect(textOf(withTask({ pretraining: compared(behind), overWords: null }))).toContain('at 1 of 2 sizes,');
    expect(page).toContain('full 61.2%, random 40.0% with 8 labels');
    expect(page).toMatch(
      /\+21\.2<\/td><td class="number">–<\/td><td class="number">1 of 1<\/td><td class="number">–<\/td><td class="number">–</,
    );
  });

  it('the score of 512 labels, or of the most that both had', () => {
    const row = (page: string) => page.match(/or the most of both<\/th><td class="">([^<]*)/)![1];
    expect(row(textOf())).toMatch(/with 512 labels$/);
    expect(row(textOf(withTask({ curves: curvesOf(5, [8, 64]) })))).toMatch(/with 64 labels$/);
  });

  it('how far LoRA is from full', () => {
    const curves = [
      {
        learner: 'full' as const,
        points: [
          { n: 8, scores: [0.5] },
          { n: 16, scores: [0.7] },
          { n: 32, scores: [0.9] },
        ],
      },
      {
        learner: 'lora' as const,
        points: [
          { n: 8, scores: [0.52] },
          { n: 16, scores: [0.64] },
        ],
      },
    ];
    const page = textOf(withTask({ ...nothing, curves, loraShare: 0.0231 }));
    expect(page).toContain('−2.0 on average (−6.0 to +2.0); trains 2.3% of the parameters');
  });

  it('how prompts fare, in natural language and in recall', () => {
    const page = textOf();
    expect(page).toContain('From the prompt alone');
    expect(page).toContain('a guess 25.0%');
    expect(page).toMatch(
      /<th scope="row" class="number">16<\/th><td class="number">7\.4<\/td><td class="number">32\.7%/,
    );
    expect(page).toContain('majority 27.0%');
    expect(page).toMatch(/<th scope="row" class="">16<\/th><td class="number">93\.6%/);
    expect(textOf({ recall: null })).not.toContain('Recall from the prompt');
    expect(textOf({ tasks: [tags()] })).not.toContain('From the prompt alone');
  });

  it('what is in the data, and which seeds are missing', () => {
    expect(textOf()).toContain('12 within parts, 3 across, 1 with other labels');
    expect(textOf()).toContain('World 1,183, Sports 1,183, Business 1,183 and Science 1,183');
    expect(textOf()).toContain('World 270, Sports 250 and Business 250');
    expect(textOf()).toMatch(
      /<th scope="row" class="">train<\/th><td class="number">4,732<\/td><td class="number">70,123</,
    );
    expect(textOf()).toContain('4,732, all');
    expect(textOf()).not.toContain('(2 seeds)');
    expect(textOf(withTask({ curves: curvesOf(2) }))).toContain('(2 seeds)');
  });
});

it('escapes everything that comes from the experiment', () => {
  const evil = `</td><script>alert('x')</script>"'&`;
  const { base } = transfer();
  const card = {
    ...{ ...task().card, name: evil, source: evil, licence: evil, note: evil, sha256: evil },
    parts: { [evil]: { examples: 1, labels: { [evil]: 1 } } },
  };
  const page = renderTransferReport(
    transfer({
      startedAt: evil,
      adapter: { name: evil, software: false },
      base: {
        ...base,
        folder: evil,
        sha256: evil,
        dataCard: { ...base.dataCard, name: evil, source: evil, licence: evil, tokenizer: evil },
      },
      tasks: [task({ name: evil, classes: [evil], card })],
    }),
  );
  expectWellFormed(page);
  expect(page).not.toContain('<script');
  expect(page.match(/alert\(/g)).toHaveLength(
    page.match(/&lt;script&gt;alert\(&#39;x&#39;\)&lt;\/script&gt;/g)!.length,
  );
});

it('fetches nothing, runs no script, and is the same of the same result', () => {
  const page = renderTransferReport(transfer());
  expect(page).not.toMatch(/\b(?:src|href|action)="(?!data:)|url\((?!#)|@import|https?:/);
  expect(page).not.toContain('<script');
  expect(renderTransferReport(structuredClone(transfer()))).toBe(page);
});
