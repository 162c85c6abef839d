import type { Choice } from '../../tasks/text/generate.ts';
import { tokenInWords } from '../../text/tokenizers/tokenFacts.ts';

const BAR = 24;

/** A step as bars, the drawn token marked; where it is not among the most likely it comes last. */
export function drawChoice(step: number, { candidates, ...chosen }: Choice): string {
  const among = candidates.some(({ id }) => id === chosen.id);
  const rows = among ? candidates : [...candidates, chosen];
  const lines = rows.map((candidate) => {
    const { id, probability } = candidate;
    const percent = (100 * probability).toFixed(1).padStart(5);
    return `  ${bar(probability)} ${percent}%  ${tokenInWords(candidate)}${id === chosen.id ? '  <' : ''}`;
  });
  return `${step}. ${tokenInWords(chosen)}\n${lines.join('\n')}\n`;
}

/** A bar in eighths of a character. */
function bar(probability: number): string {
  const eighths = Math.round(probability * BAR * 8);
  return ('█'.repeat(eighths >> 3) + ['', ...'▏▎▍▌▋▊▉'][eighths & 7]).padEnd(BAR);
}
