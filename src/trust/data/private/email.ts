import { type Detector, findAll, type Span } from '../spans.ts';

/** Ends of names of files that are written as addresses are: icon@2x.png. */
const FILES = new Set('png jpg jpeg gif svg webp avif ico css js mjs ts tsx jsx json map html md py'.split(' '));
/** The top-level domains that are looked for where an address is spelled out: most addresses end in one of them. */
const SPELLED =
  'com|org|net|edu|gov|mil|int|info|biz|io|dev|ai|app|co|uk|de|fr|nl|eu|us|ca|au|ie|it|es|se|no|dk|fi|at|ch|be|pl|ru|jp|in|nz|br';
/** Words that stand before "dot com" and are no hosts. */
const NO_HOST = /^(?:the|a|an|this|that|these|those|any|every|some|each|our|your|its|his|her|their|my|another|no)$/i;

/** local@domain as RFC 5321 bounds it (64 and 63 characters), local parts without quotes. */
const PLAIN =
  /(?<![\p{L}\p{N}_.+%'*/=~-])[\p{L}\p{N}_+%][\p{L}\p{N}_.+%'*/=~-]{0,63}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,6}(\p{L}{2,24})(?![\p{L}\p{N}_-]|:[\w/~])/gu;
/** Words that stand before "at amazon dot com" where it is a site, and nobody's name. */
const NO_NAME =
  /^(?:look|looks|looked|looking|shop|buy|bought|order|ordered|available|sold|sale|work|works|worked|working|found|find|see|seen|visit|is|was|are|were|be|been|here|us|them|him|it|me|you|stay|click|online|now|there|out|go|and|or|people|team|folks|site|page|website|homepage|located|hosted|up|prices|stuff)$/i;
/** ada [at] host [dot] com, ada(at)host.com: brackets make it sure. */
const BRACKETS =
  /(?<![\w.+-])[\w.+-]{1,64} {0,2}[[({<] ?at ?[\])}>] {0,2}[\w-]{1,63}(?:(?: {0,2}[[({<] ?(?:dot|\.) ?[\])}>] {0,2}|\.| \. | dot )[\w-]{1,63}){1,4}(?![\w-])/gi;
/** ada at host dot com: in plain words only where both are spelled out, since much "at" stands before the name of a site. */
const WORDS = new RegExp(
  `(?<![\\w.+-])([\\w.+-]{1,64}) at ([\\w-]{1,63})(?: dot [\\w-]{1,63}){0,3} dot (?:${SPELLED})(?![\\w-])`,
  'gi',
);

/** ada.lovelace at host.com: the local part of no word. */
const DOTTED = new RegExp(
  `(?<![\\w.+-])[A-Za-z]\\w{0,30}[._]\\w{1,30} at (?:[\\w-]{1,63}\\.){1,3}(?:${SPELLED})(?![\\w-])`,
  'gi',
);

/** E-mail addresses, also those that are spelled out against harvesters. */
export const emails: Detector = (text) =>
  [
    ...(text.includes('@') ? plain(text) : []),
    ...spelled(text, BRACKETS, /[[({<] ?at/i),
    ...spelled(text, WORDS, / dot /i),
    ...spelled(text, DOTTED, /\w[._]\w+ at /i),
  ].sort((a, b) => a.start - b.start);

const plain = (text: string): Span[] =>
  findAll('email', PLAIN, text, ({ index, 0: found, 1: top }) =>
    FILES.has(top.toLowerCase()) ? false : { start: index, end: index + found.length },
  );

/** `sign` is what few texts hold: most are spared the rest. */
const spelled = (text: string, pattern: RegExp, sign: RegExp): Span[] =>
  sign.test(text)
    ? findAll('email', pattern, text, ({ index, 0: found, 1: local, 2: host }) =>
        host !== undefined && (NO_NAME.test(local) || NO_HOST.test(host))
          ? false
          : { start: index, end: index + found.length },
      )
    : [];
