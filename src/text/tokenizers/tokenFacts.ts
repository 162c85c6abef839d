import type { Tokenizer } from './tokenizer.ts';

/** A token by itself. */
export interface TokenFacts {
  id: number;
  /** null where the bytes are not UTF-8, as half of a character is not. */
  text: string | null;
  /** Its bytes. */
  hex: string;
}

export function tokenFacts(tokenizer: Tokenizer, id: number): TokenFacts {
  const bytes = tokenizer.tokenBytes(id);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { id, text: textOf(bytes), hex };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** A token as people read it: quoted text, or its bytes in hex. */
export const tokenInWords = ({ text, hex }: TokenFacts): string => (text === null ? `<${hex}>` : JSON.stringify(text));
