import { type Detector, findAll, leadOf, whole } from '../spans.ts';

/** Kinds of streets (USPS, Publication 28, appendix C1, and British ones), written large or small. */
const kinds = (list: string): string =>
  list
    .split(' ')
    .map((kind) => `[${kind[0].toUpperCase()}${kind[0]}]${kind.slice(1)}`)
    .join('|');
const KIND = kinds(
  'street st\\.? avenue ave\\.? road rd\\.? lane ln\\.? boulevard blvd\\.? drive dr\\.? terrace crescent highway hwy\\.? parkway pkwy\\.? ' +
    'mews court ct\\.? square sq\\.? gardens grove circle cir\\.? turnpike embankment alley close place pl\\.? way row walk hill trail wharf quay plaza',
);
const WORD = "(?:[A-Z][\\p{L}'’-]{0,24}\\.?|\\d{1,3}(?:st|nd|rd|th))";
const UNIT =
  '(?:,? (?:[Aa]pt|[Aa]partment|[Ss]uite|[Ss]te|[Uu]nit|[Ff]lat|[Ff]loor|[Rr]oom|[Rr]m)\\.? ?#?[\\w-]{1,6}|,? #[\\w-]{1,6})?';
/** ", Leeds", ", Springfield, IL 62704", ", London SW1A 1AA" */
const TOWN = "(?:,\\s\\p{Lu}[\\p{L}'’-]{1,24}\\.?(?: \\p{Lu}[\\p{L}'’-]{1,24}(?![\\p{L}\\d])){0,2})?";
const CODE = '(?:,?\\s[A-Z]{2},?\\s\\d{5}(?:-\\d{4})?|,?\\s[A-Z]{1,2}\\d[A-Z\\d]? ?\\d[A-Z]{2}(?!\\w))?';
/** A number, at most four words of a name, and the kind of street: 221B Baker Street, 350 5th Ave, 12-14 St. James's Square. */
const ENGLISH = new RegExp(
  `(?<![\\p{L}\\p{N}$£€#.:/-]|\\d[ ,])\\d{1,5}[A-Za-z]?(?:[-–/]\\d{1,5}[A-Za-z]?)?,? (?:[NSEW]{1,2}\\.? )?(${WORD} )(?:${WORD} ){0,3}(?:${KIND})(?![\\p{L}\\p{N}'’-])(?: [NSEW]{1,2}(?![\\p{L}\\p{N}.]))?${UNIT}${TOWN}${CODE}`,
  'gu',
);
/** P.O. Box 1234 */
const BOX = /(?<!\p{L})(?:P\. ?O\. ?|PO |Post Office |P O )[Bb]ox (?:no\.? ?)?\d{1,6}(?![\p{L}\p{N}])/gu;
/** Hauptstraße 12, Berliner Str. 24a, Am Markt 3, Unter den Linden 77, with 10117 Berlin behind it or not. */
const GERMAN =
  /(?<![\p{L}\p{N}-])(?:\p{Lu}[\p{L}-]{1,30}(?:straße|strasse|str\.?|weg|platz|allee|gasse|ufer|damm|markt|steig)|\p{Lu}[\p{L}.-]{1,24}[ -](?:\p{Lu}[\p{L}.-]{1,24}[ -])?(?:Straße|Strasse|Str\.|Allee|Weg|Platz|Ring|Gasse|Damm|Ufer|Chaussee)|(?:Am|Im|An der|An den|Auf der|Auf dem|In der|Zum|Zur|Unter den|Hinter der|Vor dem) \p{Lu}[\p{L}-]{2,24})\s\d{1,4}(?: ?[a-h](?![\p{L}\p{N}]))?(?:[-–/]\d{1,4})?(?![\p{L}\p{N}%°]|[.,:]\d)(?:,?\s(?:D-)?\d{5}\s\p{Lu}[\p{L}-]{1,24})?/gu;
/** 12 rue de la Paix, 5 bis, avenue Victor Hugo */
const FRENCH =
  /(?<![\p{L}\p{N}.:/-]|\d[ ,])\d{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|quai|chemin|impasse|allée|place) (?:(?:de la|de|du|des|d'|d’|de l'|de l’|la|le|les) ?)?\p{Lu}[\p{L}'’-]{1,30}(?: \p{Lu}[\p{L}'’-]{1,30}){0,2}/gu;

/** What numbers something else than a house. */
const OTHER =
  /(?:[§#]|\b(?:chapters?|vol|volumes?|pages?|pp?|act|scene|track|fig|figure|table|part|section|book|verse|psalm|canto|route|line|bus|top|nearly|about|over|than|only|past|after|before|every))[.:]? ?$/i;
/** In 1929 Wall Street crashed: a year, and no house. */
const YEAR = /^(?:1[5-9]|20)\d\d /;
const WHEN =
  /\b(?:in|since|of|by|until|till|from|during|around|early|late|spring|summer|autumn|winter|january|february|march|april|may|june|july|august|september|october|november|december|\d{1,2}),? $/i;
/** Words that begin what follows a number, and no street's name. */
const NO_NAME =
  /^(?:The|A|An|And|But|Or|If|When|My|Our|Your|His|Her|This|That|In|On|At|We|I|You|He|She|It|They|To|For|Of|As|No|So|Mr\.|Mrs\.|Dr\.|Million|Hours?|Days?|Years?|Mile|Miles|Percent|Star|Dollars?|AM|PM|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|January|February|March|April|June|July|August|September|October|November|December)\b/;
/** The night am Montag 3. is none, nor are months. */
const NO_GERMAN =
  /(?:Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag|Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahre?|Alter|Kapitel|Seite|Abschnitt|Schnitt|Umweg|Abend|Ende|Anfang|Tag|Artikel|Band|Teil|Raum|Zimmer)\s\d/;

/** Addresses of houses, as they are written in Britain, the United States, Germany and France; and post-office boxes. */
export const addresses: Detector = (text) =>
  [
    ...findAll('address', ENGLISH, text, (match) => {
      const [found, first] = match;
      const lead = leadOf(text, match.index);
      const isYear = YEAR.test(found) && WHEN.test(lead);
      return !isYear && !OTHER.test(lead) && !NO_NAME.test(first) && whole(match);
    }),
    ...findAll('address', GERMAN, text, (match) => !NO_GERMAN.test(match[0]) && whole(match)),
    ...findAll('address', FRENCH, text),
    ...findAll('address', BOX, text),
  ].sort((a, b) => a.start - b.start);
