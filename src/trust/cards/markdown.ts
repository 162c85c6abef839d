/** A card as Markdown under YAML, as Hugging Face's hub shows it. */

import { largest } from '../../numbers.ts';
import type { CardBlock, CardDocument, CardSection } from '../../report/trust/cardDocument.ts';
import { toYaml, type Yaml } from './yaml.ts';

/** The whole file. The same card gives the same bytes. */
export function toMarkdown({ name, summary, sections }: CardDocument, metadata: Yaml): string {
  const parts = [`# ${inline(name)}`, inline(summary), ...sections.flatMap((one) => sectionOf(one, 2))];
  return `---\n${toYaml(metadata)}---\n\n${parts.join('\n\n')}\n`;
}

function sectionOf({ heading, blocks = [], sections = [] }: CardSection, level: number): string[] {
  const below = sections.flatMap((one) => sectionOf(one, level + 1));
  return [`${'#'.repeat(level)} ${inline(heading)}`, ...blocks.map(blockOf), ...below];
}

function blockOf(block: CardBlock): string {
  if (block.kind === 'text') return inline(block.text);
  if (block.kind === 'facts')
    return block.rows.map(([name, value]) => `- **${inline(name)}:** ${inline(value)}`).join('\n');
  if (block.kind === 'table') return tableOf(block.columns, block.rows);
  const ticks = (block.code.match(/`+/g) ?? []).map(({ length }) => length);
  const fence = '`'.repeat(Math.max(3, largest(ticks) + 1));
  return `${fence}${block.language}\n${block.code}\n${fence}`;
}

function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(inline).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A text on one line, none of whose characters Markdown or HTML would obey. */
const inline = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ')
    .replace(/[\\`*_[\]<>|~&$]/g, '\\$&')
    .trim()
    .replace(/^(\d+)([.)])(?=\s)/, '$1\\$2')
    .replace(/^[#+-](?=\s)/, '\\$&');
