import { mix } from '../../../src/text/windows/permutation.ts';

/** What tokenizers trip over: pairs, marks, joiners, other scripts, line ends, controls, contractions, special tokens. */
const PIECES = [
  ...[
    'a',
    'Zeta',
    'hello',
    ' the',
    "don't",
    "WE'LL",
    '42',
    '123456',
    '3.14',
    '...',
    '!?',
    ' ',
    '  ',
    '\t',
    '\n',
    '\r\n',
  ],
  ...['\n\n', '\u00a0', '\u2028', '\ufeff', '\u0001', '\u001b[0m', '\u007f', 'é', 'e\u0301', 'n\u0303o', 'ß', 'İ', 'ſ'],
  ...[
    '—',
    '“quoted”',
    '’s',
    '鯨',
    '白鲸记。',
    'кит',
    'حوت',
    'व्हेल',
    '🐋',
    '👩‍🚀',
    '🇫🇷',
    '𝒜𝓫',
    '\u{10ffff}',
    '<|endoftext|>',
  ],
  ...['<|im_start|>', 'aaaaaaaa', 'x'.repeat(40), 'CamelCaseWord', '/path/to', '²½', 'ǅ', '\u200d', '\ufffd', '_', "'"],
];

/** A well-formed text of `pieces` random pieces; the same for the same seed. */
export function randomText(seed: number, pieces: number): string {
  return Array.from({ length: pieces }, (_, i) => PIECES[mix(seed, i) % PIECES.length]).join('');
}

/** The text in chunks of `size` UTF-16 units, which may split surrogate pairs. */
export function inChunks(text: string, size = 1 << 16): () => AsyncIterable<string> {
  return async function* () {
    for (let start = 0; start < text.length; start += size) yield text.slice(start, start + size);
  };
}

export const SPECS = ['byte', 'char', 'bpe:400', 'gpt', 'gpt:cl100k', 'gpt:o200k', 'pieces:hello| the|\\d+|e\u0301'];
