import { type Detector, findAll, leadOf, type Span, whole } from '../spans.ts';

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const V4 = new RegExp(`(?<![\\w.-])(?:${OCTET}\\.){3}${OCTET}(?![\\w-]|\\.\\w)`, 'g');
const V6 = /(?<![\w:.])[0-9a-f]{0,4}:[0-9a-f:]{1,40}(?:(?:\d{1,3}\.){3}\d{1,3})?(?![\w:]|\.\d)/gi;

/** What stands before four numbers that number something; in lists of changes the time's zone does. */
const NUMBERED =
  /(?:§|[+-]\d{4}|\b(?:v|ver|versions?|releases?|section|sections|sec|chapter|figure|fig|table|build|rev|revision|article|clause|paragraph|para|rule|firmware|driver|update|upgrade|patch|appendix|step|item|exercise|theorem|lemma|oid|kernel|gcc|php|python|perl|java|jdk|chrome|firefox|mozilla|assembly|package|library|dll|than)[.:]?)[ /]?(?:version )?$/i;
/** Words that say that it is an address. */
const ADDRESS =
  /\b(?:ip|ipv4|host|hosts|address|addr|server|client|ping|dns|gateway|router|connect|node|port|login|received|subnet|route|at|(?:connect\w*|requests?|traffic|logged in|came|attacks?|access\w*|packets?) from)\b[^.]{0,16}$/i;

/**
 * IPv4 addresses in dotted decimals, but those that are no one's (0.x, the loop 127.x, masks 255.x). What a version or a section may be
 * as well has to be called an address.
 */
export const ipv4: Detector = (text) =>
  findAll('ipv4', V4, text, (match) => {
    const [found] = match;
    const lead = leadOf(text, match.index);
    const isNobodys = /^(?:0|127|255)\./.test(found);
    const isAddress = ADDRESS.test(lead);
    const isSmall = !found.startsWith('10.') && found.split('.').every((part) => Number(part) < 32); // as sections are
    return !isNobodys && (isAddress || !(isSmall || NUMBERED.test(lead))) && whole(match);
  });

/** IPv6 addresses (RFC 4291), but the loop and links' own names of nobody. */
export const ipv6: Detector = (text) => (text.includes(':') ? findV6(text) : []);

const findV6 = (text: string): Span[] =>
  findAll('ipv6', V6, text, (match) => {
    const found = match[0].endsWith(':') && !match[0].endsWith('::') ? match[0].slice(0, -1) : match[0];
    return isV6(found) && { start: match.index, end: match.index + found.length };
  });

/** Eight groups of up to four hexadecimal digits, of which a run of zeros may be written `::`; the last two may be an IPv4 address. */
export function isV6(text: string): boolean {
  const [head, tail, ...more] = text.split('::').map((half) => (half === '' ? [] : half.split(':')));
  if (more.length > 0) return false;
  const groups = [...head, ...(tail ?? [])];
  const last = groups.at(-1) ?? '';
  const size = groups.length + (last.includes('.') ? 1 : 0);
  const plain = last.includes('.') ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  if (tail === undefined) return size === 8;
  // `a::b` is a name in some languages of programming
  return size < 8 && size >= 2 && /\d/.test(text) && (head[0]?.length ?? 4) >= 3;
}
