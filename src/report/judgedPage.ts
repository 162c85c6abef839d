/** The page of what a domain's judge found of a model. */
import { type Html, html, type Part } from './html.ts';
import { baselinesInWords, type DomainCard, type Judged, type Picture, type Score, scoreInWords } from './judged.ts';
import { caption, renderPage, section, table } from './page.ts';

const BETTER = { higher: 'higher is better', lower: 'lower is better', neither: '' } as const;

/** A table of scores, each beside its baselines: of one model, or of what is known of several. */
export const scoreTable = <S extends Pick<Score, 'name' | 'note' | 'better'>>(
  scores: readonly S[],
  value: (score: S) => string,
  beside: (score: S) => string,
): Part =>
  table(scores, [
    ['Score', ({ name, note }) => html`${name}${note && html`<br><small>${note}</small>`}`, 'long'],
    ['Model', value, 'number'],
    ['Beside it', beside, 'long'],
    ['', ({ better }) => BETTER[better]],
  ]);

/** Pictures one under the other, each with its title. */
const pictureFigures = (pictures: readonly Picture[]): Html[] =>
  pictures.map(
    ({ title, svg, png }) =>
      html`<figure class="picture">${svg ? html`<img alt="${title}" src="${svgUrl(svg)}">` : png && html`<img alt="${title}" src="${png}">`}<figcaption>${title}</figcaption></figure>`,
  );

/** As an image, in which no script runs. */
const svgUrl = (svg: string): string => `data:image/svg+xml,${encodeURIComponent(svg)}`;

const PICTURE_STYLE = '.picture img{max-width:100%;height:auto;image-rendering:pixelated}';

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
      section(
        'Scores',
        scoreTable(judged.scores, scoreInWords, baselinesInWords),
        caption('Each beside the same figure of what is no such model.'),
      ),
      section('To look at', pictureFigures(judged.pictures)),
    ],
    footer: `Made by dawnlm from data under: ${about.licence}.`,
    style: PICTURE_STYLE,
  });
