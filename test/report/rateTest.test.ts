import { describe, expect, it } from 'vitest';
import { rateTestPage, rateTestSentence } from '../../src/report/rateTest.ts';
import { labelsOf, picturesOf } from '../helpers/svg.ts';

const points = Array.from({ length: 101 }, (_, i) => ({
  rate: 1e-5 * 10 ** (i / 20),
  loss: 4 - i / 50,
  smoothed: 4 - i / 50,
}));
const found = { points, steepest: 0.00312, turn: 0.0123, suggestion: 0.003 };

describe('the page of a test of learning rates', () => {
  it('has a curve over powers of ten, with the rate found and the own one marked', () => {
    const [svg] = picturesOf(rateTestPage({ name: 'whales', ...found, own: 0.0001 }));
    const labels = labelsOf(svg).map(({ text }) => text);
    expect(labels).toEqual(expect.arrayContaining(['falls fastest', "the run's own 0.0001", '0.001', '0.1']));
    expect(svg.getAttribute('aria-label')).toContain('from 4.000 at learning rate 1e-5 to 2.000 at learning rate 1');
  });

  it('leaves an own rate out that was not tested', () => {
    const [svg] = picturesOf(rateTestPage({ name: 'whales', ...found, own: 30 }));
    expect(labelsOf(svg).filter(({ text }) => text.includes('own'))).toEqual([]);
  });
});

describe('what is said of it', () => {
  it.each([
    [0.001, "try --learning-rate 0.003. The run's own is 0.001, which is much the same."],
    [0.09, "The run's own is 0.09, 30 times that."],
    [0.00003, "The run's own is 3e-5, 1/100 of it."],
    [0, "The run's own is 0."],
  ])('beside an own rate of %d', (own, sentence) => {
    const said = rateTestSentence({ ...found, own });
    expect(said).toContain('falls fastest at a learning rate of 0.0031 and no further from 0.012 on');
    expect(said).toContain(sentence);
  });
});
