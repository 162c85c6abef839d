/** What an audit found, in words and figures that the page and the terminal share. */
import { count, exact, list, percent, plural } from '../format.ts';
import type { AuditCard, AuditPart, FindingCard } from './audit.ts';

/** Of all parts. */
export const total = ({ parts }: AuditCard, what: 'documents' | 'words' | 'characters' | 'bytes' | 'lines'): number =>
  parts.reduce((sum, part) => sum + part[what], 0);

/** Of all kinds. */
export const foundOf = (findings: readonly FindingCard[]): number => findings.reduce((sum, { count: n }) => sum + n, 0);

/** A rate: 0.014, 1.2, 14. */
export const perThousand = (n: number, words: number): string =>
  words === 0 ? '0' : String(Number(((1000 * n) / words).toPrecision(2)));

/** Languages of all parts by their share of the letters that could be told; characters stand for letters between parts. */
export function languagesOf(parts: readonly AuditPart[]): { name: string; share: number }[] {
  const all = parts.reduce((sum, { characters, undetermined }) => sum + characters * (1 - undetermined), 0);
  const shares = new Map<string, number>();
  for (const { languages, characters } of parts)
    for (const { name, share } of languages) shares.set(name, (shares.get(name) ?? 0) + (share * characters) / all);
  return [...shares].map(([name, share]) => ({ name, share })).sort((a, b) => b.share - a.share);
}

/** Share of letters below which a language is not named in a sentence: it may be a list of names. */
const LITTLE = 0.001;

/** The audit in a paragraph. */
export function inShort(card: AuditCard): string {
  const { parts, boilerplate } = card;
  const [first, ...others] = languagesOf(parts).filter(({ share }) => share >= LITTLE);
  const language = first
    ? `${percent(first.share)} ${first.name}${others.length > 0 ? ` and ${plural(others.length, 'other language')}` : ''}`
    : 'no language that can be told';
  const found = [...card.private, ...card.encoding].slice(0, 4).map(({ kind, count: n }) => `${count(n)} ${kind}`);
  const known = boilerplate.known.map(({ kind, count: n }) => `${count(n)} ${kind}`);
  const { documents, near } = card.duplicates;
  return [
    `${plural(total(card, 'documents'), 'document')} in ${plural(parts.length, 'part')}, ${language}.`,
    documents.copies + near.copies > 0 &&
      `${plural(documents.copies, 'document')} came before word for word, ${exact(near.copies)} nearly.`,
    found.length > 0 ? `Found: ${list(found)}.` : 'No private data and no faults of encoding were found.',
    known.length > 0 && `Lines that are nobody's text: ${list(known)}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** Share of characters that are none, beyond which a file is hardly a text. */
const NO_TEXT = 0.01;
/** Share of a held-out part that the training part has, of which one should know. Novels have some phrases of dialogue. */
const MUCH_KNOWN = 0.01;
/** Parts that a sentence names. */
const NAMED = 3;

/** What one should know before training on it, a sentence each. */
export function warnings({ parts, encoding, overlaps }: AuditCard): string[] {
  const partsWith = (kind: string): FindingCard['parts'] => encoding.find((one) => one.kind === kind)?.parts ?? {};
  const [nul, control, invalid] = ['NUL', 'control character', 'not UTF-8'].map(partsWith);
  const isBinary = ({ name, characters }: AuditPart): boolean =>
    (nul[name] ?? 0) + (control[name] ?? 0) > NO_TEXT * characters;
  const binary = parts.filter(isBinary).map(({ name }) => name);
  const broken = Object.keys(invalid).filter((name) => !binary.includes(name));
  const known = overlaps.filter((one) => one.exact + one.near > MUCH_KNOWN * one.documents);
  const wide = encoding.find(({ kind }) => kind === 'UTF-16');
  return [
    binary.length > 0 &&
      `${named(binary)}: more than one in a hundred characters is none. A picture or a program is no text, and training refuses it.`,
    broken.length > 0 &&
      `${named(broken)}: not UTF-8, which training refuses; convert it, for example with iconv -f latin1 -t utf-8.`,
    wide &&
      `${named(Object.keys(wide.parts))}: UTF-16, which training refuses; convert it with iconv -f utf-16 -t utf-8.`,
    ...known.map(
      (one) =>
        `Of the ${exact(one.documents)} documents of ${one.part} the training part has ${exact(one.exact)} word for word and ${exact(one.near)} nearly: a score on them says what was learned by heart.`,
    ),
  ].filter((sentence) => typeof sentence === 'string');
}

const named = (names: readonly string[]): string =>
  list([...names.slice(0, NAMED), ...(names.length > NAMED ? [`${names.length - NAMED} more`] : [])]);
