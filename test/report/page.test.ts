import { describe, expect, it } from 'vitest';
import { html } from '../../src/report/html.ts';
import { block, facts, folded, pair, renderPage, section, table } from '../../src/report/page.ts';
import { expectWellFormed } from '../helpers/page.ts';

const textOf = (part: Parameters<typeof html>[1]): string => html`${part}`.text;

describe('a table', () => {
  const rows = [
    { name: 'a < b', share: 0.25, n: 4 as number | undefined },
    { name: 'rest', share: 1.5, n: undefined },
  ];
  const text = textOf(
    table(
      rows,
      [
        ['Name', ({ name }) => name],
        ['Share', ({ share }) => share, 'share'],
        ['N', ({ n }) => n, 'number'],
        ['Place', (_, i) => i + 1, 'number'],
      ],
      [{ name: 'all', share: 1, n: 4 }],
    ),
  );

  it('heads columns and rows, and aligns cells as their headings', () => {
    expect(text).toContain('<th scope="col" class="">Name</th><th scope="col" class="share">Share</th>');
    expect(text).toContain('<th scope="row" class="">a &lt; b</th>');
    expect(text).toContain('<td class="number">4</td><td class="number">1</td>');
    expectWellFormed(text);
  });

  it('shows shares as bars, none longer than its column, and missing numbers as dashes', () => {
    expect(text).toContain('<b>25.0%</b><i style="--share:0.250"></i>');
    expect(text).toContain('<b>150.0%</b><i style="--share:1.000"></i>');
    expect(text).toContain('<td class="number">–</td>');
  });

  it('sets totals apart', () => {
    expect(text).toMatch(/<tfoot><tr><th scope="row" class="">all<\/th>/);
  });
});

it('leaves out what has nothing to show', () => {
  expect([
    table([], [['A', () => 1]]),
    section('A', false, 'more'),
    block('A', [undefined, [false]]),
    folded('A', []),
  ]).toEqual(Array(4).fill(false));
  expect(textOf(section('A', 'first', false, 'more'))).toBe('<section><h2>A</h2>firstmore</section>');
  expect(
    textOf(
      facts([
        ['a', 0],
        ['b', undefined],
        ['c', '<'],
      ]),
    ),
  ).toBe(
    '<table class="facts"><tbody><tr><th scope="row">a</th><td>0</td></tr><tr><th scope="row">c</th><td>&lt;</td></tr></tbody></table>',
  );
});

it('is a document with what it is told, escaped', () => {
  const page = renderPage({
    ...{
      title: 'A & B',
      over: 'kind',
      abstract: 'in <short>',
      notices: ['mind'],
      figures: [['n', '1', 'one'], undefined],
    },
    sections: pair('left', ['right', html`<br>`]),
  });
  expectWellFormed(page);
  expect(page).toMatch(/<title>A &amp; B<\/title>[\s\S]*<h1>A &amp; B<\/h1>/);
  expect(page).toContain('<p class="abstract">in &lt;short&gt;</p>');
  expect(page).toContain('<p class="notice" role="note">mind</p>');
  expect(page.match(/<dt>/g)).toHaveLength(1);
});
