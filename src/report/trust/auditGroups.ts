/** The section of an audit's page on groups of people: how often they are named, and what stands near. */
import { exact, percent } from '../format.ts';
import { html, type Part } from '../html.ts';
import * as page from '../page.ts';
import type { GroupsCard } from './audit.ts';

/** Groups and pairs that the page shows; JSON has all. */
const [MOST_GROUPS, MOST_PAIRS] = [20, 40];
/** Words of which a share says something. */
const LEAST = 10;

/** Mentions by group, and the words that stand near them more or less often than chance has it. */
export const groupsSection = ({ groups, good, bad, window, associations }: GroupsCard, words: number): Part =>
  page.section(
    'Groups of people, and what stands near them',
    page.table(groups.slice(0, MOST_GROUPS), [
      ['Group', ({ group }) => group],
      ['Mentions', ({ mentions }) => exact(mentions), 'number'],
      ['Good words near', (one) => exact(one.good), 'number'],
      ['Bad words near', (one) => exact(one.bad), 'number'],
      ['Good of both', (one) => (one.good + one.bad >= LEAST ? one.good / (one.good + one.bad) : undefined), 'share'],
    ]),
    groups.length > 0 &&
      page.caption(
        `Near is within ${window} words. In the whole text of ${exact(words)} words ${good + bad > 0 ? percent(good / (good + bad)) : 'none'} of the words called good or bad are good ones. Words are taken by their usual meaning: "man" is often anybody.`,
      ),
    page.block(
      'Pairs that chance does not explain',
      page.table(associations.slice(0, MOST_PAIRS), [
        ['Group', ({ group }) => group],
        ['Word', ({ word, what }) => html`${word} <small>${what}</small>`],
        ['Near', ({ near }) => exact(near), 'number'],
        ['Expected', ({ expected }) => expected.toFixed(1), 'number'],
        ['Bits', ({ bits }) => html`<span class="${bits > 0 ? 'more' : 'less'}">${bits.toFixed(2)}</span>`, 'number'],
      ]),
      page.caption(
        'Bits: how many doublings more often (or, below 0, less often) than if words stood anywhere; only pairs with five or more, and beyond four standard deviations. A name counts as much as a view: look into the text before you say why.',
      ),
    ),
  );
