/** What a domain's judge found of a model, as plain data: domain.json of a run's folder, and a page. */
import { z } from 'zod';
import { type Html, html } from './html.ts';
import { caption, renderPage, section, table } from './page.ts';

/** One figure, and the same figure of what is no model like this one. */
export const Score = z.object({
  name: z.string(),
  value: z.number(),
  unit: z.string().optional(),
  better: z.enum(['higher', 'lower', 'neither']),
  /** Digits after the point. */
  digits: z.int().min(0).max(9).default(3),
  baselines: z.array(z.object({ name: z.string(), value: z.number() })),
  /** What was counted, in a sentence. */
  note: z.string().optional(),
});
export type Score = z.input<typeof Score>;

/** For the page alone: SVG markup, or a PNG as a data: URL. */
export interface Picture {
  readonly title: string;
  readonly svg?: string;
  readonly png?: string;
}

/** What a judge found. */
export interface Judged {
  readonly scores: readonly Score[];
  readonly pictures: readonly Picture[];
  /** What to mind, a sentence each. */
  readonly notes: readonly string[];
}

/** What is kept of it in the run's folder. */
export const DomainCard = z.object({
  version: z.literal(1),
  domain: z.string(),
  checkpoint: z.enum(['best', 'last']),
  seed: z.int().min(0),
  quick: z.boolean(),
  scores: z.array(Score),
  notes: z.array(z.string()),
});
export type DomainCard = z.input<typeof DomainCard>;

/** The files in a run's folder. */
export const DOMAIN_FILES = { card: 'domain.json', page: 'domain.html' } as const;

/** A figure with its unit, as many digits as it has. */
export const scoreInWords = ({ value, digits = 3, unit }: Pick<Score, 'value' | 'digits' | 'unit'>): string =>
  `${value.toFixed(digits)}${unit ? ` ${unit}` : ''}`;

/** Baselines of a score with their figures, in a line. */
export const baselinesInWords = ({ baselines, digits }: Score): string =>
  baselines.map(({ name, value }) => `${name} ${scoreInWords({ value, digits })}`).join(', ');

const BETTER = { higher: 'higher is better', lower: 'lower is better', neither: '' } as const;

/** A table of scores, each beside its baselines. */
export const scoreTable = (scores: readonly Score[]) =>
  table(scores, [
    ['Score', ({ name, note }) => html`${name}${note && html`<br><small>${note}</small>`}`, 'long'],
    ['Model', (score) => scoreInWords(score), 'number'],
    ['Beside it', baselinesInWords, 'long'],
    ['', ({ better }) => BETTER[better]],
  ]);

/** Pictures one under the other, each with its title. */
export const pictureFigures = (pictures: readonly Picture[]): Html[] =>
  pictures.map(
    ({ title, svg, png }) =>
      html`<figure class="picture">${svg ? html`<img alt="${title}" src="${svgUrl(svg)}">` : png && html`<img alt="${title}" src="${png}">`}<figcaption>${title}</figcaption></figure>`,
  );

/** As an image, in which no script runs. */
const svgUrl = (svg: string): string => `data:image/svg+xml,${encodeURIComponent(svg)}`;

export const PICTURE_STYLE = '.picture img{max-width:100%;height:auto;image-rendering:pixelated}';

/** The page of a domain's run as a whole HTML document. */
export const renderJudged = (
  run: string,
  about: { readonly title: string; readonly licence: string },
  judged: Judged,
  { checkpoint, seed, quick }: Pick<DomainCard, 'checkpoint' | 'seed' | 'quick'>,
): string =>
  renderPage({
    title: run,
    over: about.title,
    abstract: `${checkpoint === 'best' ? 'Its best weights' : 'Its last weights'}, judged by samples of seed ${seed}${quick ? ', quickly: from fewer samples' : ''}.`,
    notices: judged.notes,
    sections: [
      section('Scores', scoreTable(judged.scores), caption('Each beside the same figure of what is no such model.')),
      section('To look at', pictureFigures(judged.pictures)),
    ],
    footer: `Made by dawnlm from data under: ${about.licence}.`,
    style: PICTURE_STYLE,
  });
