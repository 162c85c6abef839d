/** Which languages a text is written in: passages of it, each by its trigrams (franc-min, 82 languages). */
import { francAll } from 'franc-min';
import { mix } from '../../../text/windows/permutation.ts';

/**
 * Characters of a passage, shorter ones being joined. The detector errs on short ones: of 400 passages of Moby-Dick in 60 characters 19
 * were taken for another language, in 120 two, in 200 one (a sailor's dialect), in 300 none; likewise of WordNet and of speeches.
 */
const PASSAGE = 300;
/** Letters below which nothing is said. */
const LEAST = 150;
/** Passages that are looked at before only one in two is, and so on: one takes a millisecond. */
const MOST = 2000;

const SEED = 14;

const NAMES = new Intl.DisplayNames('en', { type: 'language' });

/** Those that Unicode has no English name for. */
const MORE_NAMES: Readonly<Record<string, string>> = { fuv: 'Fulfulde', zlm: 'Malay', hms: 'Hmong', skr: 'Saraiki' };

/** The English name of an ISO 639-3 code; the code itself where there is none. */
export const languageName = (code: string): string => MORE_NAMES[code] ?? NAMES.of(code) ?? code;

/** A language that was found. */
export interface FoundLanguage {
  /** ISO 639-3. */
  readonly code: string;
  readonly name: string;
  /** Of the letters of all passages. */
  readonly share: number;
  /** Where its first passage begins. */
  readonly line: number;
}

/** Gathers the languages of one part. */
export class Languages {
  /** What is too short by itself, joined: short texts, and the ends of long ones. */
  private short = '';
  private shortLine = 1;
  private passages = 0;
  private looked = 0;
  private stride = 1;
  private letters = 0;
  private readonly found = new Map<string, { letters: number; line: number }>();

  /** A text that begins in this line of the part. */
  add(text: string, line: number): void {
    let now = line;
    let at = 0;
    for (; at + PASSAGE <= text.length; at += PASSAGE) {
      const passage = text.slice(at, at + PASSAGE);
      this.take(passage, now);
      now += passage.split('\n').length - 1;
    }
    if (this.short === '') this.shortLine = now;
    this.short += at < text.length ? `${text.slice(at)} ` : '';
    if (this.short.length >= PASSAGE) this.takeShort();
  }

  private takeShort(): void {
    this.take(this.short, this.shortLine);
    this.short = '';
  }

  private take(passage: string, line: number): void {
    // by lot, for in tables what stands in every second row may be alike
    if (mix(this.passages++, SEED) % this.stride === 0) this.judge(passage, line, this.stride);
  }

  private judge(passage: string, line: number, weight: number): void {
    const letters = passage.match(/\p{L}/gu)?.length ?? 0;
    if (letters === 0) return;
    const code = letters >= LEAST ? francAll(passage)[0][0] : 'und';
    const language = this.found.get(code) ?? { letters: 0, line };
    language.letters += letters * weight;
    language.line = Math.min(language.line, line);
    this.letters += letters * weight;
    this.found.set(code, language);
    if (++this.looked % MOST === 0) this.stride *= 2;
  }

  /** The languages of the part, the commonest first, and the share of letters of which nothing can be said. */
  result(): { languages: FoundLanguage[]; undetermined: number } {
    if (this.short !== '') this.takeShort();
    const share = (letters: number): number => letters / this.letters;
    const languages = [...this.found]
      .filter(([code]) => code !== 'und')
      .map(([code, { letters, line }]) => ({ code, name: languageName(code), share: share(letters), line }))
      .sort((a, b) => b.share - a.share);
    const rest = this.found.get('und')?.letters ?? 0;
    return { languages, undetermined: this.letters > 0 ? share(rest) : 0 };
  }
}
