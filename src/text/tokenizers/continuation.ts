import { largest, smallest } from '../../numbers.ts';
import { StreamDecoder, type Tokenizer } from './tokenizer.ts';

/**
 * What a model writes after a prompt: tokens in, text out, up to the first of the stop texts, or to the token that ends a text.
 * What may be the beginning of a stop text is held back until the next token tells.
 */
export class Continuation {
  /** All that was given out. */
  text = '';
  /** Tokens taken. */
  tokens = 0;
  /** Whether a stop text, or the end of the text, has come: further tokens count for nothing. */
  stopped = false;
  /** The stop text that has come, if one has. */
  stoppedBy: string | undefined;
  /** What was written before that which counts. */
  before = '';
  private held = '';
  private readonly decoder: StreamDecoder;
  private readonly eos: number | undefined;

  constructor(
    tokenizer: Tokenizer,
    private readonly stops: readonly string[],
    /** The end of what is written that counts; all of it unless given. More that is written only adds to it. */
    private readonly endOf?: (written: string) => string,
  ) {
    this.decoder = new StreamDecoder(tokenizer);
    this.eos = tokenizer.eos;
  }

  /** Takes a token and returns the text that is certain now. */
  push(id: number): string {
    if (this.stopped) return '';
    this.tokens++;
    if (id !== this.eos) return this.take(this.decoder.push(id), false);
    const rest = this.end();
    this.stopped = true;
    return rest;
  }

  /** Returns what was held back: no more tokens will come. */
  end(): string {
    return this.stopped ? '' : this.take(this.decoder.flush(), true);
  }

  private take(text: string, last: boolean): string {
    const pending = this.held + this.counting(text);
    const found = this.stops.map((stop) => pending.indexOf(stop)).filter((index) => index >= 0);
    this.stopped = found.length > 0;
    this.stoppedBy = this.stopped ? this.stops.find((stop) => pending.startsWith(stop, smallest(found))) : undefined;
    const certain = this.stopped ? smallest(found) : pending.length - (last ? 0 : this.partialStop(pending));
    this.held = pending.slice(certain);
    this.text += pending.slice(0, certain);
    return pending.slice(0, certain);
  }

  /** What of the next text counts: all of it once some did. */
  private counting(text: string): string {
    if (!this.endOf || this.text !== '' || this.held !== '') return text;
    const written = this.before + text;
    const end = this.endOf(written);
    this.before = written.slice(0, written.length - end.length);
    return end;
  }

  /** Length of the longest end of `pending` that begins a stop text. */
  private partialStop(pending: string): number {
    const lengths = this.stops.map((stop) => {
      let length = Math.min(stop.length - 1, pending.length);
      while (length > 0 && !pending.endsWith(stop.slice(0, length))) length--;
      return length;
    });
    return largest([0, ...lengths]);
  }
}
