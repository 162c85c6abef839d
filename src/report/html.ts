/** HTML by template, where everything is escaped unless it is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

/** What may stand in a template: text and numbers are escaped, lists are joined, `undefined` and `false` are nothing. */
export type Part = Html | string | number | undefined | false | readonly Part[];

/** html`<b>${'a < b'}</b>` is <b>a &lt; b</b>. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(strings.map((string, i) => (i === 0 ? '' : render(parts[i - 1])) + string).join(''));

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/**
 * Safe as text and in quoted attributes. Control characters, which a model may sample and HTML does not allow, become the
 * pictures that Unicode has for them; halves of surrogate pairs become U+FFFD.
 */
function escapeText(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character])
    .replace(/\r\n/g, '\n')
    .replace(/[^\P{Cc}\t\n]/gu, pictureOf)
    .replace(/\p{Surrogate}/gu, '\ufffd');
}

const pictureOf = (control: string): string => {
  const code = control.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '\u2421' : '\ufffd';
};

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (part === undefined || part === false) return '';
  if (Array.isArray(part)) return part.map(render).join('');
  return escapeText(String(part));
}
