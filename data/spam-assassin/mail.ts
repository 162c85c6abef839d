/** The readable body of a mail: RFC 5322 headers away, MIME parts taken apart, transfer encodings undone, HTML to text. */
import { htmlToText } from './html.ts';

/** A mail or a part of one: lower-case header names, and the body with a character a byte. */
interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Deeper nesting is no mail that anybody wrote. */
const DEEPEST = 8;

/**
 * What a reader sees of a mail, or '' where that is nothing (pictures, broken MIME).
 * @param mail its bytes, a character each
 */
export function bodyOf(mail: string): string {
  const text = textOf(parsePart(mail.replaceAll('\r\n', '\n').replace(/^From .*\n/, '')), 0);
  return tidy(text);
}

function parsePart(text: string): Part {
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end);
  const headers = new Map<string, string>();
  for (const line of head.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { headers, body: end < 0 ? '' : text.slice(end).replace(/^\n+/, '') };
}

function textOf(part: Part, depth: number): string {
  const type = part.headers.get('content-type') ?? 'text/plain';
  if (/^multipart\//i.test(type)) return depth < DEEPEST ? multipartText(part, type, depth) : '';
  if (/^message\/rfc822/i.test(type)) return depth < DEEPEST ? textOf(parsePart(part.body), depth + 1) : '';
  if (!/^text(?:\/|\s*;|\s*$)/i.test(type) || /^attachment/i.test(part.headers.get('content-disposition') ?? ''))
    return '';
  const text = decode(part, parameter(type, 'charset'));
  return /^text\/html/i.test(type) || /^\s*<(?:!doctype|html|head|body)/i.test(text) ? htmlToText(text) : text;
}

/** The plain parts; where there are none, the HTML ones. */
function multipartText({ body }: Part, type: string, depth: number): string {
  const boundary = parameter(type, 'boundary');
  if (!boundary) return body;
  const parts = `\n${body}`
    .split(`\n--${boundary}`)
    .slice(1)
    .filter((section) => !section.startsWith('--'))
    .map((section) => parsePart(section.replace(/^[^\n]*\n/, '')));
  const isPlain = ({ headers }: Part): boolean => /^text\/plain/i.test(headers.get('content-type') ?? 'text/plain');
  const plain = parts
    .filter(isPlain)
    .map((each) => textOf(each, depth + 1))
    .filter((text) => text.trim() !== '');
  return (plain.length > 0 ? plain : parts.map((each) => textOf(each, depth + 1))).join('\n');
}

const parameter = (header: string, name: string): string | undefined => {
  const match = header.match(new RegExp(`${name}\\s*=\\s*(?:"([^"]*)"|([^\\s;]+))`, 'i'));
  return match?.[1] ?? match?.[2];
};

function decode({ headers, body }: Part, charset: string | undefined): string {
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase() ?? '';
  if (encoding.startsWith('base64')) return inCharset(Buffer.from(body, 'base64').toString('latin1'), charset);
  return inCharset(encoding.startsWith('quoted-printable') ? unquote(body) : body, charset);
}

const unquote = (text: string): string =>
  text.replace(/=[ \t]*\n/g, '').replace(/=([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Bytes as the text that their character set makes of them; Windows' Latin where it is unknown. */
function inCharset(bytes: string, charset = 'windows-1252'): string {
  const data = Buffer.from(bytes, 'latin1');
  const known = /^(?:us-)?ascii$/i.test(charset) ? 'windows-1252' : charset;
  try {
    return new TextDecoder(known).decode(data);
  } catch {
    return new TextDecoder('windows-1252').decode(data);
  }
}

/**
 * Without what names people or machines, and without encoded lumps: mail addresses become [email], links [link], telephone
 * numbers [phone]; words of more than 60 characters go. White space shrinks to single spaces and line ends.
 */
const tidy = (text: string): string =>
  text
    .replace(/(?:https?|ftp):\/\/\S+|\bwww\.\S+/gi, '[link]')
    .replace(/[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g, '[email]')
    .replace(/(?<![\w.])\+?\(?\d[\d().\- ]{7,}\d(?![\w.])/g, (digits) =>
      digits.replace(/\D/g, '').length > 8 ? '[phone]' : digits,
    )
    .replace(/[\p{C}\uFFFD]+/gu, (run) => (run.includes('\n') ? '\n' : ' '))
    .replace(/\S{61,}/g, ' ')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n\s*/g, '\n')
    .trim();
