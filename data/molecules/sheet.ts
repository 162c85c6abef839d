import { writeAtomic } from '../../src/node/files.ts';
import { Html, html } from '../../src/report/html.ts';
import { Rdkit } from './rdkit.ts';
import { readLine, shownWords, wordsOf } from './words.ts';

/** Of a structure, in pixels, and of the two lines below it. */
const [WIDTH, HEIGHT, BELOW] = [240, 180, 44];
const COLUMNS = 4;
/** Characters that a line below a structure has room for. */
const ROOM = 38;

/** Writes samples as a sheet of structures, an SVG. */
export async function drawSheet(things: readonly string[], file: string): Promise<void> {
  const rdkit = await Rdkit.open(() => {});
  await writeAtomic(file, sheet(rdkit, things));
}

/** Structures side by side, below each what its words say and what the molecule is, or what RDKit says is wrong with it. */
export function sheet(rdkit: Rdkit, things: readonly string[]): string {
  const lines = things.flatMap((thing) => thing.split('\n')).filter((line) => line.trim() !== '');
  const rows = Math.ceil(lines.length / COLUMNS);
  const [width, height] = [Math.min(COLUMNS, lines.length) * WIDTH, rows * (HEIGHT + BELOW)];
  const cells = lines.map((line, i) => {
    const place = `translate(${(i % COLUMNS) * WIDTH} ${Math.floor(i / COLUMNS) * (HEIGHT + BELOW)})`;
    return html`<g transform="${place}">${cell(rdkit, line)}</g>\n`;
  });
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"
 font-family="sans-serif" font-size="11" text-anchor="middle"><rect width="100%" height="100%" fill="#fff"/>
${cells}</svg>\n`.text;
}

function cell(rdkit: Rdkit, line: string): Html {
  const { words, smiles } = readLine(line);
  const said = shownWords(words);
  const molecule = rdkit.molecule(smiles);
  if (!molecule) return html`${below(said, `${smiles}: ${rdkit.problem(smiles)}`, '#a00')}`;
  const drawing = rdkit.draw(smiles, WIDTH, HEIGHT)!.replace(/^<\?xml[^>]*\?>\s*/, '');
  return html`${new Html(drawing)}${below(said, shownWords(wordsOf(molecule.properties)), '#000')}`;
}

const below = (said: string, found: string, colour: string): Html =>
  html`<text x="${WIDTH / 2}" y="${HEIGHT + 14}" fill="#666">said: ${shorten(said)}</text><text
 x="${WIDTH / 2}" y="${HEIGHT + 30}" fill="${colour}">${shorten(found)}</text>`;

const shorten = (text: string): string => (text.length > ROOM ? `${text.slice(0, ROOM - 3)}...` : text);
