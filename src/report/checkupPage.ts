/** The page of a check-up whose advice was tried: findings, and the curves with each change and without it. */
import type { Chart } from './chart.ts';
import { loss } from './format.ts';
import type { HealthCard, TrialCard } from './healthCard.ts';
import { HEALTH_STYLE, healthSection } from './healthSection.ts';
import { html, type Part } from './html.ts';
import { figure, renderPage, section } from './page.ts';
import { lossRange } from './series.ts';

/** The page as a whole HTML document. */
export const renderCheckup = (name: string, health: HealthCard, trials: readonly TrialCard[]): string =>
  renderPage({
    title: `Check-up of ${name}`,
    over: 'Check-up of a training run',
    sections: [healthSection(health), trials.map(trialSection)],
    style: HEALTH_STYLE,
  });

function trialSection({ finding, verdict, sentence, curves }: TrialCard): Part {
  const heading = `Tried: ${finding.replaceAll('-', ' ')}`;
  const words = html`<p><b>${verdict}</b>. ${sentence}</p>`;
  if (!curves) return section(heading, words);
  const chart: Chart = {
    title: `Training loss with the change and without: ${finding}`,
    curves: [
      { name: 'without', tone: 'training', points: curves.without },
      { name: 'with', tone: 'validation', points: curves.with, dashes: '6 3' },
    ],
    range: lossRange(curves.without, curves.with),
    format: loss,
  };
  return section(heading, words, figure(chart, 'Training loss by step, smoothed over 3% of the steps.'));
}
