import { type Detector, findAll } from '../spans.ts';

const MONTH =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?' +
  '|januar|februar|märz|mai|juni|juli|oktober|dezember|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre)\\.?';
/** Any full date: 1985-03-12, 12/03/1985, 12.3.85, 12 March 1985, the 12th of March, 1985, March 12th, 1985. */
const DATE =
  `\\d{4}[-./]\\d{1,2}[-./]\\d{1,2}|\\d{1,2} ?[-./] ?\\d{1,2} ?[-./] ?(?:\\d{4}|\\d{2})` +
  `|(?:the )?\\d{1,2}(?:st|nd|rd|th|er)?\\.?(?: of)?[ -]${MONTH},?[ -]\\d{4}|${MONTH} (?:the )?\\d{1,2}(?:st|nd|rd|th)?,? \\d{4}`;
/** What says that a date is that of a birth. */
const BIRTH =
  '(?:(?:date|day)[ _-]?of[ _-]?birth|birth[ _-]?dates?|birthday|d\\.?o\\.?b\\.?|born|geboren|geb\\.|geburtsdatum|geburtstag|née? le|date de naissance)';
const PATTERN = new RegExp(
  `(?<![\\p{L}\\p{N}])${BIRTH}(?: ?(?:is|was|on|am|:|=|\\(|-|,|in [\\p{L} ]{2,20},?(?: on)?)){0,3}\\s{0,2}(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?(${DATE})(?![\\p{L}\\p{N}]|[-/]\\d)`,
  'giu',
);
/** Nobody who was born earlier lives: such dates are history. */
const EARLIEST = 1900;

/** Full dates that are said to be someone's date of birth. */
export const birthDates: Detector = (text) =>
  findAll('birth-date', PATTERN, text, ({ index, 0: found, 1: date }) => {
    const year = Number(/\d{4}/.exec(date)?.[0] ?? EARLIEST);
    const end = index + found.length;
    return year >= EARLIEST && { start: end - date.length, end };
  });
