import { type Detector, findAll, whole } from '../spans.ts';

/** Groups as cards print them: 4-4-4-4, 4-4-4-4-3, 4-6-5 (American Express), 4-6-4 (Diners Club); or none. */
const GROUPS =
  /(?<![\w.,]|\d[ -])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5}|\d{13,19})(?![\w]|[-.,]\d)/g;

/** First digits and lengths by issuer (ISO/IEC 7812; the issuers' published ranges). */
const ISSUERS: readonly (readonly [prefix: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]], // Visa
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]], // Mastercard
  [/^3[47]/, [15]], // American Express
  [/^3(?:0[0-5]|[689])/, [14]], // Diners Club
  [/^(?:6011|64[4-9]|65)/, [16, 19]], // Discover
  [/^35(?:2[89]|[3-8])/, [16, 19]], // JCB
  [/^62/, [16, 17, 18, 19]], // UnionPay
  [/^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, [16, 17, 18, 19]], // Maestro
];

/** Payment card numbers: a known issuer's, of its length, whose last digit is right. */
export const cards: Detector = (text) =>
  findAll('card', GROUPS, text, (match) => {
    const digits = match[0].replace(/\D/g, '');
    const known = ISSUERS.some(([prefix, lengths]) => lengths.includes(digits.length) && prefix.test(digits));
    return known && passesLuhn(digits) && !/^(\d)\1*$/.test(digits) && whole(match);
  });

/** Luhn's formula (US patent 2,950,048; ISO/IEC 7812-1, annex B): from the right, every second digit doubled; the sum ends in 0. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit;
  }
  return sum % 10 === 0;
}
