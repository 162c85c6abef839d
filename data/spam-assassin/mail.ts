/** The readable body of a mail: MIME parts, encodings and character sets by postal-mime, HTML by linkedom. */
import { parseHTML } from 'linkedom';
import PostalMime from 'postal-mime';

/** Windows' Latin is what mails of that time are in that name no character set; postal-mime takes them for UTF-8. */
const CHARSET = 'charset=windows-1252';

/**
 * What a reader sees of a mail, or '' where that is nothing (pictures).
 * @param mail its bytes, a character each
 */
export async function bodyOf(mail: string): Promise<string> {
  const message = mail.replace(/^From .*\n/, '');
  const body = await textOf(message);
  return tidy(body.includes('\uFFFD') ? await textOf(withCharset(message)) : body);
}

/** The plain parts; where there are none, the HTML ones. Mails inside of mails are attachments, which go; where no part is found, all is text. */
async function textOf(message: string): Promise<string> {
  const options = { forceRfc822Attachments: true };
  const { text = '', html = '', attachments } = await PostalMime.parse(Buffer.from(message, 'latin1'), options);
  if (text === '' && html === '' && attachments.length === 0) return message.replace(/^[\s\S]*?\n\r?\n/, '');
  if (text.trim() === '') return htmlToText(html);
  return /^\s*<(?:!doctype|html|head|body)/i.test(text) ? htmlToText(text) : text;
}

/** The character set named in every header of a text that lacks it, and in one for a mail without such a header (the first counts). */
const withCharset = (message: string): string =>
  message
    .replace(/\r?\n\r?\n/, `\nContent-Type: text/plain$&`)
    .replace(/^content-type:[ \t]*text\/(?:plain|html)(?!(?:[^\n]|\n[ \t])*charset)/gim, `$&; ${CHARSET}`);

const BLOCKS = 'p,br,div,tr,table,li,ul,ol,h1,h2,h3,h4,h5,h6,hr,center,blockquote,title';

/** Tags, comments, scripts and styles away; blocks on lines of their own; entities as characters. Mails put text behind `</html>` too. */
export function htmlToText(html: string): string {
  const bare = html.replace(/<\/?(?:html|body)\b[^>]*>/gi, ' ').replace(/\s+/g, ' ');
  const { document } = parseHTML(`<html>${bare}</html>`);
  const around = (selectors: string, mark: string) =>
    document.querySelectorAll(selectors).forEach((element) => {
      element.replaceWith(mark, ...Array.from(element.childNodes), mark);
    });
  document.querySelectorAll('script,style').forEach((element) => {
    element.remove();
  });
  around(BLOCKS, '\n');
  around('td', ' ');
  return document.documentElement.textContent ?? '';
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
