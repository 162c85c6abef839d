/** HTML of mails, which is seldom well formed, as the text that it shows. */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  trade: '™',
  middot: '·',
  bull: '•',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  hellip: '…',
  pound: '£',
  euro: '€',
  eacute: 'é',
};
const BLOCKS = /<\/?(?:p|br|div|tr|table|li|ul|ol|h[1-6]|hr|center|blockquote|title)\b[^>]*>/gi;

/** Tags, comments, scripts and styles away; blocks on lines of their own; entities as characters. */
export const htmlToText = (html: string): string =>
  html
    .replace(/<!--[\s\S]*?(?:-->|$)/g, '')
    .replace(/<(script|style)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, '')
    .replace(/\s+/g, ' ')
    .replace(BLOCKS, '\n')
    .replace(/<\/?td\b[^>]*>/gi, ' ')
    .replace(/<\/?[a-z!?][^>]*>?/gi, '')
    .replace(/&#(\d+|x[0-9a-f]+);?/gi, (_, code: string) => character(code))
    .replace(/&([a-z]+);/gi, (entity, name: string) => NAMED[name.toLowerCase()] ?? entity);

function character(code: string): string {
  const point = /^x/i.test(code) ? Number.parseInt(code.slice(1), 16) : Number(code);
  return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point < 0xe000) ? String.fromCodePoint(point) : ' ';
}
