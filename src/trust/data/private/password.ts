import { type Detector, findAll } from '../spans.ts';

/** scheme://user:password@host (RFC 3986, userinfo). */
const IN_URL = /(?<![\w+.-])[a-z][a-z0-9+.-]{1,15}:\/\/[^\s:/@?#<>"']{0,64}:([^\s:/@?<>"']{1,64})@(?=[\w[])/gi;
/** password=..., "pwd": "...", my password is ... */
const NAMED =
  /(?<![\p{L}])(?:pass(?:word|wd|phrase|code)|pwd|(?:pass|pw)(?=["'`]?\s{0,3}[:=])|passwort|kennwort|mot de passe|pin(?= ?(?:code|is|:|=)))["'`]?(\s{0,3}(?:=>|:=|[:=])\s{0,3}|\s(?:is|was|ist|lautet)(?: now| still)?:?\s)(["'`]?)([^\s"'`]{3,64})/giu;

/** What stands for a password, and is none. */
const PLACEHOLDER =
  /^(?:[*x•.?_>=#-]+$|[<[{$%(/~]|\\.{1,2}\/|your|my_?pass|change|none$|null$|nil$|true$|false$|undefined$|required|optional|string|empty|secret$|example|redacted|hidden|incorrect|wrong|invalid|not$|n\/a)|^pass(?:word|wd|phrase)?s?\d?[,;.]?$|pass(?:word)?_?here/i;
/** args.password, getenv(...), data[0]: what programs say. */
const CODE = /[()[\]{}]|^[a-z_]\w*(?:\.[a-z_]\w*)+[,;]?$|::|->|^process\.|\\$/i;

/** Passwords in addresses, in settings, and in sentences that give one: the password alone. */
export const passwords: Detector = (text) =>
  [
    ...findAll('password', IN_URL, text, ({ index, 0: found, 1: password }) => {
      const end = index + found.length - 1;
      return !PLACEHOLDER.test(password) && { start: end - password.length, end };
    }),
    ...findAll('password', NAMED, text, named),
  ].sort((a, b) => a.start - b.start);

function named({ index, 0: found, 1: sign, 2: quote, 3: rest }: RegExpExecArray, text: string) {
  const value = quote ? rest : rest.split(/[&;,]|[.!?]+$/, 1)[0];
  const start = index + found.length - rest.length;
  const end = start + value.length;
  if (value.length < 3 || PLACEHOLDER.test(value)) return false;
  const closes = quote !== '' && text[end] === quote;
  if (!closes && CODE.test(rest)) return false;
  const isAssigned = sign.includes('=') && !sign.includes(' '); //          password=letmein
  const isMixed = /\d/.test(value) || /[^\p{L}\d'’.-]/u.test(value); //     else it may be any word: "password: required"
  return (closes || isAssigned || (isMixed && value.length >= 4)) && { start, end };
}
