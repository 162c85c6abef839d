import { type Detector, findAll } from '../spans.ts';

const BEGIN = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;
const END = /-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;
/** Longer keys are not looked for. */
const LONGEST_KEY = 16_384;
/** Lines of what stands between: base64 and headers (RFC 7468, RFC 1421, RFC 4880). */
const BODY = /(?:[\w-]{1,32}: [^\n]{0,128}|[ \t>]{0,8}[A-Za-z0-9+/=\\]{8,128}|[ \t]*)\r?\n?/y;

/** Private keys as PEM or PGP wraps them, from BEGIN to END; of one that is cut off, what there is. */
export const privateKeys: Detector = (text) =>
  text.includes('PRIVATE KEY')
    ? findAll('private-key', BEGIN, text, ({ index, 0: { length } }) => {
        const end = endOfKey(text, index + length);
        return end - index > length + 40 && { start: index, end };
      })
    : [];

function endOfKey(text: string, start: number): number {
  END.lastIndex = 0;
  const closing = END.exec(text.slice(start, start + LONGEST_KEY));
  if (closing) return start + closing.index + closing[0].length;
  let end = start;
  for (let at = start; at - start < LONGEST_KEY; end = at) {
    BODY.lastIndex = at;
    const line = BODY.exec(text);
    if (!line || line[0] === '') break;
    at += line[0].length;
  }
  return start + text.slice(start, end).trimEnd().length;
}

/**
 * Tokens that say whose they are by how they begin, as their makers publish it: Amazon (AKIA, ASIA), GitHub (ghp_, github_pat_), GitLab,
 * Slack (xoxb-), Google (AIza), Stripe (sk_live_), OpenAI and Anthropic (sk-), npm, Hugging Face, SendGrid; and JSON Web Tokens (RFC 7519).
 */
const PREFIXED =
  /(?<![\w/+-])(?:(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}|glpat-[\w-]{20,64}|xox[abeoprs]-[A-Za-z0-9-]{10,255}|AIza[\w-]{35}(?![\w-])|[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}|sk-[\w-]{20,255}|npm_[A-Za-z0-9]{36}(?!\w)|hf_[A-Za-z0-9]{30,64}(?!\w)|SG\.[\w-]{16,64}\.[\w-]{16,64}|eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{10,2000})/g;
/** Any sign of the alphabets that tokens are written in, where a name says that it is one. */
const NAMED =
  /(?<!\p{L})(?:bearer|api[ _-]?key|apikey|secret(?:[ _-]?(?:access)?[ _-]?key)?|(?:access|auth|refresh|session|client|private|personal)[ _-]?(?:token|key|secret)|token|x-api-key|authorization)["'`]?(?: is|\s{0,3}(?:=>|:=|[:=]))?\s{0,3}(?:bearer |token |basic )?["'`]?([\w+/.~-]{16,512}={0,2})(?![\w+/])/giu;

/** Less than this many bits a sign, and it may be words. */
const LEAST_ENTROPY = 3;

/** Keys and tokens that open an account: by their makers' prefixes, or named as such and random. */
export const tokens: Detector = (text) =>
  [
    ...findAll(
      'token',
      PREFIXED,
      text,
      ({ index, 0: found }) => isRandom(found.slice(4)) && { start: index, end: index + found.length },
    ),
    ...findAll('token', NAMED, text, ({ index, 0: found, 1: token }) => {
      const end = index + found.length;
      return looksRandom(token) && { start: end - token.length, end };
    }),
  ].sort((a, b) => a.start - b.start);

/** Whether nobody would write it as an example: AKIAXXXXXXXXXXXXXXXX. */
const isRandom = (token: string): boolean => entropy(token) >= LEAST_ENTROPY - 0.5;

/** Letters and digits in a row that no words are. */
const looksRandom = (token: string): boolean =>
  /\d/.test(token) &&
  /[A-Za-z]/.test(token) &&
  entropy(token) >= LEAST_ENTROPY &&
  !/your|placeholder|x{4}|[_-]here\b|\bexample[_-]/i.test(token) &&
  !/^[A-Za-z_]+(?:\.[A-Za-z_]\w*)+$/.test(token); // process.env.API_KEY_2

/** Shannon's, of the signs of a text: bits a sign. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  return [...counts.values()].reduce((sum, n) => sum - (n / text.length) * Math.log2(n / text.length), 0);
}
