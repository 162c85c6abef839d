import { expect, it } from 'vitest';
import { BlockedTexts, BlockWatch, parseBlocked } from '../../../src/text/tokenizers/blocked.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { drawBy } from '../../harm/mutate.ts';
import { inChunks } from './samples.ts';

const TEXT = 'The whale, the Wal, the Straße and STRASSE; naïve café and ΣΊΣΥΦΟΣ. '.repeat(20);
const bytes = await trainTokenizer('byte', inChunks(TEXT));
const bpe = await trainTokenizer('bpe:300', inChunks(TEXT));

/** The first token of a text at which it is refused; undefined when none is. */
function refusedAt(blocked: readonly string[], text: string, tokenizer = bytes, prompt = ''): number | undefined {
  const watch = new BlockWatch(new BlockedTexts(blocked), tokenizer, [tokenizer.encode(prompt)]);
  for (const [i, id] of tokenizer.encode(text).entries()) {
    if (!watch.allows(0, id)) return i;
    watch.push(0, id);
  }
  return undefined;
}

it('reads a line an entry, without comments and spaces around it', () => {
  expect(parseBlocked('\ufeff# bad words\r\n whale \r\n\r\nmoby dick\n" ass "\nwhale\n', 'list')).toEqual([
    'whale',
    'moby dick',
    ' ass ',
  ]);
  expect(() => parseBlocked('# none\n \n', 'list.txt')).toThrow(/list.txt holds no text to block/);
  expect(() => parseBlocked('a'.repeat(1001), 'list.txt')).toThrow(/an entry of 1001 characters/);
});

it.each([
  ['whale', 'the wHaLe', 8],
  ['hal', 'the whale', 7],
  ['strasse', 'die Straße', 10],
  ['straße', 'die STRASSE', 10],
  ['café', 'CAFÉ', 4], // the second byte of É
  ['σίσυφος', 'ΣΊΣΥΦΟΣ', 13],
  ['abab', 'aababab', 4],
])('refuses the token that completes %j in %j', (entry, text, at) => {
  expect(refusedAt(['zebra', entry], text)).toBe(at);
});

it('counts what the prompt begins, and not what it has already', () => {
  expect(refusedAt(['whale'], 'le', bytes, 'the wha')).toBe(1);
  expect(refusedAt(['whale'], ' is white', bytes, 'the whale')).toBeUndefined();
  expect(refusedAt(['é'], '\ufffd', bytes, 'caf')).toBeUndefined();
});

it.each([
  ['byte', bytes],
  ['bpe', bpe],
] as const)('refuses exactly where a blocked text is complete, over all tokens, by %s tokens', (_, tokenizer) => {
  const draw = drawBy(7);
  for (let trial = 0; trial < 300; trial++) {
    const letters = 'abÉß';
    const made = (length: number): string => Array.from({ length }, () => letters[draw(letters.length)]).join('');
    const entries = Array.from({ length: 1 + draw(4) }, () => made(1 + draw(4)));
    const text = made(30);
    const folded = (part: string): string => part.toUpperCase().toLowerCase();
    const ids = tokenizer.encode(text);
    // the first beginning in which one stands; half a character at its end shows as U+FFFD
    const first = ids.findIndex((_, i) =>
      entries.some((entry) => folded(tokenizer.decode(ids.slice(0, i + 1))).includes(folded(entry))),
    );
    expect(refusedAt(entries, text, tokenizer) ?? -1, `${entries} in ${text}`).toBe(first);
  }
});
