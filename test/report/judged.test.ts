import { expect, it } from 'vitest';
import { DomainCard } from '../../src/report/judged.ts';
import { renderJudged } from '../../src/report/judgedPage.ts';

const card = { version: 1 as const, domain: 'toys', checkpoint: 'best' as const, seed: 7, quick: true };
const scores = [
  {
    ...{ name: 'right', value: 0.51234, better: 'higher' as const, unit: '%', digits: 1 },
    baselines: [{ name: 'n-grams & copies', value: 0.26 }],
    note: 'Of <two>.',
  },
];
const about = { title: 'Toys', licence: 'MIT' };
const render = (by = card, pictures: { title: string; svg: string }[] = []): string =>
  renderJudged('run', about, { scores, pictures, notes: ['Mind this.'] }, by);

it('the page of a judgement gives each score beside its baselines, and says what was judged', () => {
  const page = render();
  for (const words of ['0.5 %', 'n-grams &amp; copies 0.3', 'higher is better', 'Of &lt;two&gt;.', 'Mind this.', 'MIT'])
    expect(page).toContain(words);
  expect(page).toContain('Its best weights, judged by samples of seed 7, quickly: from fewer samples.');
  expect(render({ ...card, quick: false })).toContain('judged by samples of seed 7.');
});

it('pictures stand in it as images, in which no script runs; without any there is nothing to look at', () => {
  expect(render()).not.toContain('To look at');
  const page = render(card, [{ title: 'A sheet', svg: '<svg><script>x</script></svg>' }]);
  expect(page).toContain('To look at');
  expect(page).toMatch(/<img alt="A sheet" src="data:image\/svg\+xml,%3Csvg/);
  expect(page).not.toContain('<script>x');
});

it('the card takes what a judge found, with as many digits as are usual', () => {
  const [{ digits: _, ...score }] = scores;
  const { scores: kept } = DomainCard.parse({ ...card, scores: [score], notes: [] });
  expect(kept[0].digits).toBe(3);
});
