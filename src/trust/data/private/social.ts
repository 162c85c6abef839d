import { type Detector, findAll, leadOf, whole } from '../spans.ts';

/** Area, group and serial as the US Social Security Administration gives them out: never 000, 666 or 9xx, 00, 0000. */
const US = /(?<![\w.,$/+]|\d[ -])(?!000|666|9)\d{3}([ -])(?!00)\d{2}\1(?!0000)\d{4}(?!\w|[-.,/]\d)/g;
const US_PLAIN =
  /\b(?:ssn|ss#|social security)(?: ?(?:no\.?|number|nr|#|is|was|:|=)){0,3} ?(?!000|666|9)(\d{9})(?!\w)/gi;
/** National Insurance numbers (HMRC, NIM39110): prefixes without D, F, I, Q, U, V; suffix A to D. */
const UK =
  /(?<![\p{L}\p{N}])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]([ -]?)\d{2}\1\d{2}\1\d{2}\1[A-D](?![\p{L}\p{N}])/gu;

const SAID = /\b(?:ssn|ss#|social|security|sozial)/i;
/** Words that say that a number is something else's. */
const OTHER =
  /(?:#|\b(?:no|nr|order|ref|reference|invoice|ticket|isbn|serial|id|account|model|part|case|item|sku|tracking|phone|tel|call|fax|docket|code))[.:]? ?#?(?:is )?$/i;

/** Social security numbers of the United States, and National Insurance numbers of the United Kingdom. */
export const socialNumbers: Detector = (text) =>
  [
    ...findAll('social-security', US, text, (match) => {
      const lead = leadOf(text, match.index);
      const said = SAID.test(lead);
      return (said || (match[1] === '-' && !OTHER.test(lead))) && whole(match);
    }),
    ...findAll('social-security', US_PLAIN, text, ({ index, 0: { length } }) => ({
      start: index + length - 9,
      end: index + length,
    })),
    ...findAll('social-security', UK, text),
  ].sort((a, b) => a.start - b.start);
