import { sampleDistribution } from '../../kernels/sampling/sampling.ts';
import { SAMPLE_SETTINGS, type SampleSettings } from '../../kernels/sampling/settings.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { piece, type TokenFacts, tokenFacts } from './pieces.ts';

/** A token that could have come. */
export interface Candidate extends TokenFacts {
  /** After temperature and all filters. */
  probability: number;
}

/** One step of sampling: what was drawn, and from what. */
export interface Choice extends Candidate {
  candidates: Candidate[];
}

const CANDIDATES = 5;
const BAR = 24;

/** Follows a generation and tells, for each step, the probabilities that the token was drawn from. */
export class Choices {
  private readonly seen: Uint8Array;
  private readonly settings: ArrayLike<number>;

  constructor(
    private readonly tokenizer: Tokenizer,
    settings: SampleSettings,
    prompt: readonly number[],
  ) {
    this.settings = SAMPLE_SETTINGS.floats(settings);
    this.seen = new Uint8Array(tokenizer.vocabSize);
    for (const id of prompt) this.seen[id] = 1;
  }

  /** Takes the next step: the token that was drawn, and the logits (V). */
  next(id: number, logits: ArrayLike<number>): Choice {
    const distribution = sampleDistribution(logits, this.settings, this.seen);
    this.seen[id] = 1;
    const candidate = (id: number): Candidate => ({
      ...tokenFacts(this.tokenizer, id),
      probability: distribution[id],
    });
    const ids = Array.from(distribution.keys()).filter((id) => distribution[id] > 0);
    const likely = ids.sort((a, b) => distribution[b] - distribution[a]).slice(0, CANDIDATES);
    return { ...candidate(id), candidates: likely.map(candidate) };
  }
}

/** A step as bars, the drawn token marked; where it is not among the most likely it comes last. */
export function drawChoice(step: number, { candidates, ...chosen }: Choice): string {
  const among = candidates.some(({ id }) => id === chosen.id);
  const rows = among ? candidates : [...candidates, chosen];
  const lines = rows.map((candidate) => {
    const { id, probability } = candidate;
    const percent = (100 * probability).toFixed(1).padStart(5);
    return `  ${bar(probability)} ${percent}%  ${piece(candidate)}${id === chosen.id ? '  <' : ''}`;
  });
  return `${step}. ${piece(chosen)}\n${lines.join('\n')}\n`;
}

/** A bar in eighths of a character. */
function bar(probability: number): string {
  const eighths = Math.round(probability * BAR * 8);
  return ('█'.repeat(eighths >> 3) + ['', ...'▏▎▍▌▋▊▉'][eighths & 7]).padEnd(BAR);
}
