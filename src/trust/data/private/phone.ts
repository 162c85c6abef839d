import { type Detector, findAll, leadOf, type Span, whole } from '../spans.ts';

/** + and a country's code, or 00 and one, at a place where a number may begin. */
const INTERNATIONAL = /(?<![\p{L}\p{N}_+.,-])\(?(?:\+ ?|00[ -]?)(?=[1-9(])/gu;
/** (212) 555-0123, 1-212-555-0123, 212.555.0123: NANP, area and exchange begin with 2 to 9. */
const NORTH_AMERICAN =
  /(?<![\w+.,$€£/]|\d[ -])(?:1[ .-])?(?:\([2-9]\d{2}\)[ -]{0,2}|[2-9]\d{2}([ ./-]))[2-9]\d{2}([ .-]?)\d{4}(?: ?(?:x|ext\.?) ?\d{1,5})?(?!\w|[-./]\d)/g;
/** 020 7946 0958, (0161) 496-0018, 030/1234567, 01 23 45 67 89: from within a country, with 0 before the area. */
const NATIONAL =
  /(?<![\w+.,$€£/-]|\d )(?:\(0[1-9]\d{1,4}\) ?|0[1-9]\d{1,4} ?[ /-] ?)\d{2,8}(?:[ -]\d{2,6}){0,3}(?!\w|[-./,]\d)|(?<![\w+.,]|\d )0[1-9](?:([ .-])\d{2})(?:\1\d{2}){3}(?!\w|[-./]\d)|(?<![\w+.,-])07\d{9}(?!\w|[-.]\d)/g;
/** Any number, where a word says that it is a telephone's. */
const NAMED =
  /(?<![\p{L}\p{N}._/])(?:(?:my|his|her|our|your|their) number|(?:tele)?phone|tel|mobile|mob|cell|fax|call|ring|dial|text|sms|whatsapp|hotline|handy|telefon|mobil|portable)(?: ?(?:us|me|him|her|them|no\.?|number|nr\.?|nummer|at|on|is|was|:|\.|#|=|\/ ?fax)){0,3}[ \t]{0,3}(?=[(\d+])/giu;

/** Words that say that a number is something else's. */
const OTHER =
  /(?:#|\b(?:no|nos|nr|order|ref(?:erence)?|invoice|ticket|isbn|issn|serial|id|account|acct|model|part|version|bug|case|item|article|sku|tracking|patent|room|pages?|pp?|vol|code|dates?|hours?|years?|lot|batch|msgid|cve|rfc|iso|total|sum|between))[.:]? ?#?(?:is )?\(?$/i;
/** Groups of letters and digits before it: part of a longer number. */
const GROUP = /\b[A-Z0-9]{4} $/;
/** 1990-1995, 0900-1700: years, and times of a day. */
const RANGE = /^\(?(?:1\d|20)\d{2} ?[-–/] ?(?:1\d|20)\d{2}|^[012]\d[0-5]\d ?[-–/] ?[012]\d[0-5]\d$/;
/** 2001-02-03, 01.02.2003, 1/2/03 */
const DATE = /^\d{4}([-./])\d{1,2}\1\d{1,2}(?!\d)|^\d{1,2}([-./])\d{1,2}\2(?:\d{4}|\d{2})(?!\d|\2)/;

/** +1000 8/11/02: the time's zone, and a date. */
const ZONE = /^[01]\d[0-5]\d \d{1,2}\//;

/** Telephone numbers: international (E.164), North American, those of countries that dial 0 first, and what is called one. */
export const phones: Detector = (text) =>
  [
    ...international(text),
    ...findAll('phone', NORTH_AMERICAN, text, northAmerican),
    ...national(text),
    ...named(text),
  ].sort((a, b) => a.start - b.start);

const digitsOf = (text: string): string => text.replace(/\D/g, '');

const international = (text: string): Span[] =>
  findAll('phone', INTERNATIONAL, text, ({ index, 0: { length: prefix } }) => {
    const end = numberEnd(text, index + prefix, 15);
    const number = text.slice(index + prefix, end);
    const digits = digitsOf(number).length;
    const least = text[index] === '0' ? 9 : 8; // 00 also begins numbers of other kinds
    const isInner = text[index] === '0' && GROUP.test(leadOf(text, index));
    return digits >= least && !isInner && !DATE.test(number) && !ZONE.test(number) && { start: index, end };
  });

function northAmerican(match: RegExpExecArray, text: string): { start: number; end: number } | false {
  const [found, first, second] = match;
  if (OTHER.test(leadOf(text, match.index))) return false;
  const inTable = first === ' ' && second === ' ' && /^ {1,4}\d/.test(text.slice(match.index + found.length)); // among columns of numbers
  return !inTable && (first === undefined || first === second || first === '/') && whole(match);
}

const national = (text: string): Span[] =>
  findAll('phone', NATIONAL, text, (match) => {
    const digits = digitsOf(match[0]).length;
    const lead = leadOf(text, match.index);
    const isOther = RANGE.test(match[0]) || DATE.test(match[0]) || OTHER.test(lead) || GROUP.test(lead);
    return digits >= 8 && digits <= 12 && !isOther && whole(match);
  });

const named = (text: string): Span[] =>
  findAll('phone', NAMED, text, ({ index, 0: { length } }) => {
    const start = index + length;
    const end = numberEnd(text, start, 15);
    const number = text.slice(start, end);
    const digits = digitsOf(number).length;
    const grouped = /\d[ .)/-]{1,3}\d/.test(number);
    return digits >= (grouped ? 7 : 8) && !RANGE.test(number) && !DATE.test(number) && { start, end };
  });

/**
 * Where a number ends that begins at `start`: digits, and between them brackets and at most three of the signs that part groups. Where there
 * are too many digits, the last group is none of its.
 */
function numberEnd(text: string, start: number, mostDigits: number): number {
  let end = start; //      behind the last digit
  let groupEnd = start; // behind the last digit of the group before
  let digits = 0;
  for (let at = start; at - end <= 3; at++) {
    const sign = text[at];
    if (sign >= '0' && sign <= '9') {
      if (at > end) groupEnd = end;
      if (++digits > mostDigits) return groupEnd;
      end = at + 1;
    } else if (sign === undefined || !' ().-/\u00a0\u2013'.includes(sign)) break;
  }
  return end;
}
