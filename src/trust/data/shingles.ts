/**
 * Shingles of a text (Broder, 1997): runs of words, by which two texts are compared. A word is letters and digits, in whatever case and
 * form; signs and line ends do not count, so that a paragraph that is wrapped otherwise is the same. Writing without spaces (Chinese,
 * Japanese, Thai, ...) has a word each character.
 */

/** Words in a shingle, as is usual: of fewer, unrelated texts share many. */
export const SHINGLE_WORDS = 5;

/** Prime of the FNV-1a hash, and its start. */
const [PRIME, BASIS] = [16777619, 0x811c9dc5];

const [OTHER, LETTER, ALONE, UNKNOWN] = [0, 1, 2, 3];
/** By UTF-16 unit; found out when first met. Halves of pairs are letters. */
const kinds = new Uint8Array(0x10000).fill(UNKNOWN);

function kindOf(unit: number): number {
  const sign = String.fromCharCode(unit);
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u.test(sign))
    return ALONE;
  return /[\p{L}\p{N}\p{M}]/u.test(sign) || (unit >= 0xd800 && unit < 0xe000) ? LETTER : OTHER;
}

/** A hash of 32 bits of each word of a text. */
export function wordHashes(text: string): Uint32Array {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is all of ASCII needs no normal form
  const folded = (/^[\x00-\x7f]*$/.test(text) ? text : text.normalize('NFKC')).toLowerCase();
  const words = new Uint32Array(folded.length);
  let [count, hash, inside] = [0, BASIS, false];
  for (let i = 0; i < folded.length; i++) {
    const unit = folded.charCodeAt(i);
    if (kinds[unit] === UNKNOWN) kinds[unit] = kindOf(unit);
    const kind = kinds[unit];
    if (inside && kind !== LETTER) {
      words[count++] = hash;
      [hash, inside] = [BASIS, false];
    }
    if (kind === OTHER) continue;
    hash = Math.imul(hash ^ unit, PRIME);
    inside = kind === LETTER;
    if (kind === ALONE) {
      words[count++] = hash;
      hash = BASIS;
    }
  }
  if (inside) words[count++] = hash;
  return words.subarray(0, count);
}

/**
 * The hashes of a text's shingles, each once, ascending. None of a text of fewer words than a shingle has: that is a phrase, which any
 * two texts may share.
 */
export function shinglesOf(words: Uint32Array): Uint32Array {
  const count = words.length - SHINGLE_WORDS + 1;
  if (count < 1) return new Uint32Array();
  const shingles = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let hash = 0;
    for (let j = i; j < i + SHINGLE_WORDS; j++) hash = Math.imul(hash ^ words[j], 0x9e3779b1) ^ (hash >>> 15);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    shingles[i] = hash ^ (hash >>> 13);
  }
  shingles.sort();
  let last = 0;
  for (let i = 1; i < count; i++) if (shingles[i] !== shingles[last]) shingles[++last] = shingles[i];
  return shingles.subarray(0, last + 1);
}

/** |A and B| / |A or B| of two ascending lists without repetitions. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let [i, j, both] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      both++;
      i++;
      j++;
    } else if (a[i] < b[j]) i++;
    else j++;
  }
  const either = a.length + b.length - both;
  return either === 0 ? 0 : both / either;
}
