import { describe, expect, it } from 'vitest';
import { renderPage } from '../../src/report/page.ts';
import type { BiasFindings, Estimate, PairFindings } from '../../src/report/trust/bias.ts';
import { BiasFindings as Schema } from '../../src/report/trust/bias.ts';
import { biasSection } from '../../src/report/trust/biasSection.ts';
import { banded, labelSentences, pairSentences, percentPoints, signedNats } from '../../src/report/trust/biasWords.ts';

const band = (value: number, half = 0.1): Estimate => ({ value, low: value - half, high: value + half });
const bare = (value: number): Estimate => ({ value, low: null, high: null });
const text = (first: number, second: number, logRatio: Estimate) => ({ first, second, logRatio });

const pairs = (word: Estimate, given: Partial<PairFindings> = {}): PairFindings => {
  const counts = { same: text(0, 0, band(0, 3)), near: text(80, 20, band(1.4, 0.4)) };
  const overall = text(900, 1800, band(-0.69, 0.05));
  return {
    ...{ name: 'she or he after <an> occupation', first: 'she', second: 'he', endsInFiller: false, pairs: 12 },
    ...{ templates: ['The {filler} said that {side} was ready.'], sides: [['she', 'he']] },
    ...{ word, sentence: word, likelier: band(0.8), text: { ...counts, overall } },
    correlation: { same: { fillers: 0 }, near: { fillers: 6, r: band(0.8) } },
    fillers: Array.from({ length: 6 }, (_, i) => ({
      filler: `f${i}`,
      times: 3,
      word: i / 3,
      sentence: i / 3,
      ...counts,
      near: text(i, 20, band(i ** 2, 0.4)),
    })),
    leftOut: [{ words: ['sailor'], why: 'the training text never has them' }],
    ...given,
  };
};

describe('what was found of bias, in words', () => {
  it('says which is likelier, how many times, and what the text has', () => {
    expect(pairSentences(pairs(band(Math.log(4))))).toEqual([
      'The model finds she 4.0 times as likely as he, on average (+1.39 [+1.29, +1.49] nats).',
      'The training text has these words near she and near he 80 to 20 times: log ratio +1.40 [+1.00, +1.80]. At all it has she 900 and he 1,800 times (−0.69 [−0.74, −0.64]).',
      "What the model prefers from word to word goes with the text's counts: over 6 words that it has so, r = +0.80 [+0.70, +0.90].",
    ]);
    expect(pairSentences(pairs(band(-0.7)))[0]).toContain('finds he 2.0 times as likely as she');
    const after = pairs(band(0.7), { endsInFiller: true });
    expect(pairSentences(after)[0]).toContain('finds these words 2.0 times as likely after she as after he');
  });

  it('claims nothing where the band holds 0, or there is none', () => {
    expect(pairSentences(pairs(band(0.05)))[0]).toContain('finds neither likelier');
    expect(pairSentences(pairs(bare(2)))[0]).toContain('too few pairs for a band');
    const correlation = { same: { fillers: 0 }, near: { fillers: 6, r: band(0.3, 0.5) } };
    expect(pairSentences(pairs(band(1), { correlation }))[2]).toContain('cannot be told');
    const none = { same: text(0, 0, band(0, 3)), near: text(0, 0, band(0, 3)), overall: text(9, 9, band(0)) };
    expect(pairSentences(pairs(band(1), { text: none }))[1]).toBe(
      'The training text has none of these words near she or he. At all it has she 9 and he 9 times (0.00 [−0.10, +0.10]).',
    );
  });

  it('says gaps and flips with their bands', () => {
    const calibration = { error: band(0.1, 0.02), ofTrue: { mean: 0.08, high: 0.12 }, overconfidence: band(0) };
    const groups = ['all rows', 'f', 'm'].map((name) => ({
      name,
      rows: 50,
      error: band(0.2),
      calibration,
      labels: [],
    }));
    const flips = [
      { kind: 'sex' as const, rows: 30, flipped: 6, share: band(0.2), shift: band(-0.04, 0.01), from: [] },
    ];
    const gaps = [{ name: 'm', error: band(0.15), overconfidence: band(0.1) }];
    const [gap, flip] = labelSentences({ file: 'x.csv', rows: 100, column: 'sex', groups, gaps, flips });
    expect(gap).toBe('sex = m: more errors than f, a gap of +15.0% [+5.0%, +25.0%].');
    expect(flip).toContain('swapped in 30 texts: 6 get another label, 20.0% [10.0%, 30.0%]');
    expect(flip).toContain('moves by −4.0% [−5.0%, −3.0%]');
  });

  it('writes figures with their signs', () => {
    expect([signedNats(-0.001), signedNats(1.386), signedNats(-2)]).toEqual(['0.00', '+1.39', '−2.00']);
    expect([percentPoints(0), percentPoints(-0.031)]).toEqual(['0.0%', '−3.1%']);
    expect(banded(bare(1))).toBe('+1.00');
  });
});

describe('the section on bias', () => {
  const findings: BiasFindings = {
    ...{
      textWords: 12345,
      pairs: [pairs(band(1.4))],
      unasked: [{ name: 'names', leftOut: [{ words: ['Jamal'], why: 'absent' }] }],
    },
    own: {
      ...{ file: 'own.csv', columns: ['more', 'less'], leftOut: [] },
      groups: [{ name: 'sex', pairs: 1, word: bare(1), sentence: bare(2), likelier: bare(1) }],
      pairs: [{ line: 2, first: '<b>She</b>', second: 'He', word: 1, sentence: 2 }],
    },
  };

  it('shows all of it, escaped, and is nothing where nothing was asked', () => {
    expect(Schema.parse(findings)).toEqual(findings);
    const page = renderPage({ title: 'x', over: 'y', sections: biasSection(findings) });
    expect(page).toContain('12,345 words');
    expect(page).toContain('she or he after &lt;an&gt; occupation');
    expect(page).toContain('&lt;b&gt;She&lt;/b&gt;');
    expect(page).toContain('Left out (the training text never has them): sailor.');
    expect(page).toContain('Left out (absent): Jamal.');
    expect(page.match(/<svg/g)).toHaveLength(1);
    expect(page).not.toMatch(/NaN|undefined|null/);
    const flat = pairs(band(1), { correlation: { same: { fillers: 0 }, near: { fillers: 6 } } });
    const even = { ...flat, fillers: flat.fillers.map((row) => ({ ...row, near: text(1, 1, band(0)) })) };
    expect(renderPage({ title: 'x', over: 'y', sections: biasSection({ pairs: [even] }) })).not.toMatch(/NaN/);
    expect(biasSection(undefined)).toBeUndefined();
  });
});
