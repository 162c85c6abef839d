/** How people write private things, by chance: all made up, with numbers and names that are set aside for examples. */
import type { Draw } from '../../harm/mutate.ts';

export const pick = <T>(items: readonly T[], draw: Draw): T => items[draw(items.length)];
export const digits = (count: number, draw: Draw): string => Array.from({ length: count }, () => draw(10)).join('');
export const signs = (count: number, alphabet: string, draw: Draw): string =>
  Array.from({ length: count }, () => alphabet[draw(alphabet.length)]).join('');
/** # is a digit, N one from 2 to 9; all else stays. */
export const filled = (pattern: string, draw: Draw): string =>
  pattern.replace(/#/g, () => `${draw(10)}`).replace(/N/g, () => `${2 + draw(8)}`);
export const between = (least: number, most: number, draw: Draw): number => least + draw(most - least + 1);

/** What stands between bars. */
export const list = (text: string): string[] => text.split(/ ?¦\s/);

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
export const MIXED = `${LETTERS}${LETTERS.toUpperCase()}0123456789`;
export const BASE64 = `${MIXED}+/`;
export const FIRST = 'ada grace alan edsger barbara donald jürgen zoë maria kenji amina björn'.split(' ');
const LAST = 'lovelace hopper turing dijkstra liskov knuth müller okafor tanaka novak smith o-brien'.split(' ');
export const HOSTS =
  'example.com example.org example.net mail.example.com post.example.co.uk firma.example.de uni-x.example.edu'.split(
    ' ',
  );

/** The last digit that makes the sum of ISO/IEC 7812 end in 0, found by trying. */
export function withLuhn(start: string): string {
  const sumOf = (number: string): number =>
    [...number].reverse().reduce((sum, digit, i) => {
      const value = Number(digit) * (i % 2 === 1 ? 2 : 1);
      return sum + Math.floor(value / 10) + (value % 10);
    }, 0);
  return start + Array.from({ length: 10 }, (_, last) => last).find((last) => sumOf(`${start}${last}`) % 10 === 0);
}

const CARD_STARTS: readonly (readonly [start: string, length: number])[] = [
  ...([
    ['4', 16],
    ['4', 16],
    ['51', 16],
    ['55', 16],
    ['2301', 16],
  ] as const),
  ...([
    ['34', 15],
    ['37', 15],
    ['6011', 16],
    ['65', 16],
    ['36', 14],
    ['3530', 16],
  ] as const),
];

export function cardDigits(draw: Draw): string {
  const [start, length] = pick(CARD_STARTS, draw);
  return withLuhn(start + digits(length - start.length - 1, draw));
}

const grouped = (number: string, sizes: readonly number[], separator: string): string => {
  let at = 0;
  return sizes.map((size) => number.slice(at, (at += size))).join(separator);
};

export function written(number: string, draw: Draw): string {
  const sizes = number.length === 16 ? [4, 4, 4, 4] : number.length === 15 ? [4, 6, 5] : [4, 6, 4];
  return pick([number, grouped(number, sizes, ' '), grouped(number, sizes, '-'), grouped(number, sizes, ' ')], draw);
}

/** Country, and what its bank accounts look like: digits # and letters A. */
const ACCOUNTS: readonly (readonly [country: string, account: string])[] = [
  ['DE', '##################'],
  ['GB', 'AAAA##############'],
  ['FR', '#######################'],
  ['NL', 'AAAA##########'],
  ['ES', '####################'],
  ['CH', '#################'],
  ['AT', '################'],
  ['NO', '###########'],
  ['MT', 'AAAA#######################'],
];

export function ibanOf(draw: Draw, isRight: boolean): string {
  const [country, account] = pick(ACCOUNTS, draw);
  const number = account.replace(/./g, (sign) =>
    sign === 'A' ? signs(1, LETTERS.toUpperCase(), draw) : `${draw(10)}`,
  );
  const value = `${number}${country}00`.replace(/[A-Z]/g, (letter) => `${letter.charCodeAt(0) - 55}`);
  const check = 98 - Number(BigInt(value) % 97n);
  const shown = isRight ? check : 2 + ((check + 11) % 95);
  const iban = `${country}${String(shown).padStart(2, '0')}${number}`;
  return pick(
    [
      iban,
      iban.replace(/(.{4})(?=.)/g, '$1 '),
      iban.replace(/(.{4})(?=.)/g, '$1 '),
      iban.replace(/(.{4})(?=.)/g, '$1-'),
    ],
    draw,
  );
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
export function dateOf(draw: Draw, firstYear: number, lastYear: number): string {
  const [day, month, year] = [between(1, 28, draw), between(1, 12, draw), between(firstYear, lastYear, draw)];
  const two = (n: number): string => String(n).padStart(2, '0');
  const name = MONTHS[month - 1];
  const th =
    day % 10 === 1 && day !== 11
      ? 'st'
      : day % 10 === 2 && day !== 12
        ? 'nd'
        : day % 10 === 3 && day !== 13
          ? 'rd'
          : 'th';
  return pick(
    [
      ...[`${year}-${two(month)}-${two(day)}`, `${two(month)}/${two(day)}/${year}`, `${day}.${month}.${year}`],
      ...[
        `${day} ${name} ${year}`,
        `${name} ${day}, ${year}`,
        `${day}${th} ${name} ${year}`,
        `${name} ${day}${th}, ${year}`,
      ],
      ...[
        `the ${day}${th} of ${name} ${year}`,
        `${day} ${name.slice(0, 3)} ${year}`,
        `${two(day)}/${two(month)}/${String(year).slice(2)}`,
      ],
    ],
    draw,
  );
}

export const octets = (draw: Draw): string =>
  pick(
    [
      `192.0.2.${between(1, 254, draw)}`,
      `198.51.100.${between(1, 254, draw)}`,
      `203.0.113.${between(1, 254, draw)}`,
      `192.168.${draw(256)}.${between(1, 254, draw)}`,
      `10.${between(40, 255, draw)}.${draw(256)}.${between(1, 254, draw)}`,
    ],
    draw,
  );
const hex = (draw: Draw): string => signs(between(2, 4, draw), '0123456789abcdef', draw).replace(/^0+/, '7');
export function v6(draw: Draw): string {
  const [a, b, c, d, e, f] = Array.from({ length: 6 }, () => hex(draw));
  const address = pick(
    [
      `2001:db8:${a}:${b}:${c}:${d}:${e}:${f}`,
      `2001:db8::${a}:${b}`,
      `2001:db8:${a}::${b}`,
      `fe80::${a}:${b}:${c}:${d}`,
      `2001:db8:${a}:${b}::1`,
      `2001:0db8:0000:0000:0000:ff00:${a}:${b}`,
      `fd12:3456:789a:1::${b}`,
    ],
    draw,
  );
  return draw(4) === 0 ? address.toUpperCase() : address;
}

export const pem = (draw: Draw): string => {
  const name = pick(
    list(
      `RSA PRIVATE KEY ¦ PRIVATE KEY ¦ EC PRIVATE KEY ¦ OPENSSH PRIVATE KEY ¦ ENCRYPTED PRIVATE KEY ¦ DSA PRIVATE KEY`,
    ),
    draw,
  );
  const headers =
    draw(4) === 0 ? `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${signs(32, '0123456789ABCDEF', draw)}\n\n` : '';
  const lines = Array.from({ length: between(3, 14, draw) }, () => signs(64, BASE64, draw));
  const last = draw(6) === 0 ? '' : `\n-----END ${name}-----`;
  return `-----BEGIN ${name}-----\n${headers}${lines.join('\n')}\n${signs(between(9, 50, draw), BASE64, draw)}==${last}`;
};

/** A text by chance. */
export type Make = (draw: Draw) => string;

export const localOf = (draw: Draw): string =>
  pick(
    [
      `${pick(FIRST, draw)}.${pick(LAST, draw)}`,
      `${pick(FIRST, draw)}${draw(100)}`,
      `${pick(FIRST, draw)[0]}_${pick(LAST, draw)}`,
      `${pick(LAST, draw)}+lists`,
      pick(FIRST, draw),
      `info-${pick(LAST, draw)}`,
      `${pick(FIRST, draw).toUpperCase()}.${pick(LAST, draw).toUpperCase()}`,
    ],
    draw,
  );

const STREETS =
  list(`Baker ¦ Downing ¦ Elm ¦ St. James’s ¦ King's ¦ Old Mill ¦ North Shore ¦ West 34th ¦ 5th ¦ Martin Luther King ¦
Great Portland ¦ Marlborough`);
const KINDS =
  list(`Street ¦ St ¦ St. ¦ Avenue ¦ Ave ¦ Road ¦ Rd ¦ Lane ¦ Drive ¦ Dr. ¦ Boulevard ¦ Court ¦ Square ¦ Terrace ¦
Crescent ¦ Way ¦ Place ¦ street ¦ road`);
export const english: Make = (draw) => {
  const house = pick(
    [
      `${between(1, 999, draw)}`,
      `${between(1, 300, draw)}${pick(['a', 'B', 'c'], draw)}`,
      `${between(1000, 29_999, draw)}`,
      `${between(1, 90, draw)}-${between(91, 99, draw)}`,
    ],
    draw,
  );
  const place = pick(
    list(`, London SW1A 2AA ¦ , Springfield, IL 62704 ¦ , Leeds ¦ , Apt 4B ¦ , Suite 210 ¦ , Portland, OR 97201-1234`),
    draw,
  );
  return `${house} ${pick(STREETS, draw)} ${pick(KINDS, draw)}${place}`;
};
export const german: Make = (draw) => {
  const name = pick(
    list(`Hauptstraße ¦ Goethestr. ¦ Lindenweg ¦ Berliner Straße ¦ Karl-Marx-Allee ¦ Marktplatz ¦ Rosa-Luxemburg-Str. ¦
Unter den Linden ¦ Am Bahnhof ¦ Schillergasse ¦ Bahnhofstrasse ¦ Kurfürstendamm`),
    draw,
  );
  return `${name} ${between(1, 250, draw)}${pick(list(`a ¦  b`), draw)}${pick(['', ', 10117 Berlin', ', 80331 München'], draw)}`;
};
