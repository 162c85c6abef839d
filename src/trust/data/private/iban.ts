import { type Detector, findAll } from '../spans.ts';

/** Lengths by country (SWIFT, IBAN Registry, release 99). */
const LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 ' +
    'FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 ' +
    'LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 ' +
    'SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const START = /(?<![\p{L}\p{N}])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9]{2})/gu;

/** International bank account numbers: of a country that has them, of its length, whose check digits are right; in groups or without. */
export const ibans: Detector = (text) =>
  findAll('iban', START, text, ({ index }) => {
    const length = LENGTHS[text.slice(index, index + 2).toUpperCase()];
    const read = length !== undefined && readSigns(text, index, length);
    return read && passesMod97(read.signs) && { start: index, end: read.end };
  });

/** `count` letters and digits from `start`, with single spaces or hyphens in between; false where there are fewer or more. */
function readSigns(text: string, start: number, count: number): { signs: string; end: number } | false {
  let signs = '';
  let at = start;
  for (; signs.length < count; at++) {
    const sign = text[at];
    if (sign !== undefined && /[A-Za-z0-9]/.test(sign)) signs += sign;
    else if (!(sign === ' ' || sign === '-') || !/[A-Za-z0-9]/.test(text[at + 1] ?? '')) return false;
  }
  return /[\p{L}\p{N}]/u.test(text[at] ?? '') ? false : { signs: signs.toUpperCase(), end: at };
}

/** ISO 7064, MOD 97-10: the first four signs go to the end, letters become 10 to 35, and the number leaves 1 (ISO 13616-1). */
export function passesMod97(signs: string): boolean {
  let rest = 0;
  for (const sign of signs.slice(4) + signs.slice(0, 4)) {
    const value = Number.parseInt(sign, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
