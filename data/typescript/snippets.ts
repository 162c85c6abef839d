/** Missing lines as people look at them: a piece of the file as a change is shown, what was there and what a model wrote. */
import { html } from '../../src/report/html.ts';
import type { Picture } from '../domain.ts';
import type { MissingLine } from './lines.ts';

/** Lines that are shown before and after. */
const AROUND = 4;
const COLUMNS = 110;
/** Of a row and a character, in pixels. */
const [ROW, CHARACTER] = [18, 7.85];

/** A row, and what it is marked with: a line that was there, one that was written, both at once, or neither. */
interface Row {
  readonly sign: '-' | '+' | '=' | ' ';
  readonly text: string;
}

const COLOURS: Readonly<Record<Row['sign'], string>> = {
  '-': '#ffebe9',
  '+': '#dafbe1',
  '=': '#dafbe1',
  ' ': '#ffffff',
};

/** A line with what stands around it: `=` where the model wrote what was there, else `-` what was there and `+` what it wrote. */
export function snippet({ file, prefix, suffix, truth }: MissingLine, written: string): Picture {
  const before = prefix.split('\n').slice(0, -1);
  const own = file.text.split('\n')[before.length];
  const plain = (lines: readonly string[]): Row[] => lines.map((text) => ({ sign: ' ', text }));
  const middle: Row[] =
    written.trim() === truth
      ? [{ sign: '=', text: written }]
      : [
          { sign: '-', text: own },
          { sign: '+', text: written },
        ];
  const after = suffix.split('\n').slice(1, 1 + AROUND);
  const rows = [...plain(before.slice(-AROUND)), ...middle, ...plain(after)];
  return { title: `${file.name}, line ${before.length + 1}`, svg: drawing(rows) };
}

const cut = (text: string): string => (text.length > COLUMNS ? `${text.slice(0, COLUMNS - 1)}…` : text);

function drawing(rows: readonly Row[]): string {
  const [width, height] = [Math.ceil((COLUMNS + 4) * CHARACTER), rows.length * ROW + 8];
  const drawn = rows.map(({ sign, text }, i) => {
    const y = 4 + i * ROW;
    return html`<rect y="${y}" width="${width}" height="${ROW}" fill="${COLOURS[sign]}"/><text x="8" y="${y + 13}" xml:space="preserve">${sign} ${cut(text)}</text>`;
  });
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="#ffffff"/><g font-family="ui-monospace,Menlo,Consolas,monospace" font-size="13" fill="#1f2328">${drawn}</g></svg>`
    .text;
}
