import { DataSet, englishDataset, englishRecommendedTransformers, type MatchPayload, RegExpMatcher } from 'obscenity';
import { type Detector, type Span, withoutOverlaps } from './spans.ts';

/**
 * What the list has and is no insult by itself: words of medicine, law and zoology, or, in texts of their time, the name of a group. Who wants
 * to know of the latter counts mentions of groups.
 */
const NEUTRAL = new Set(
  'abo anal anus bestiality boonga chink dyke ejaculate hooker incest negro orgasm orgy penis rape retard scat semen sex spastic vagina'.split(
    ' ',
  ),
);

/** Patterns of the list that other words begin with too, and which of their words count. */
const COUNTED: Readonly<Record<string, RegExp>> = {
  ass: /^ass(?:es)?$|^ass(?:hole|hat|wip|fac|fuck|lick|clown|bag|munch|kiss)/, // not assort, Assyrian
  bastard: /^bastards?$|^bastardly/,
  boob: /^boob(?:s|ies)?$/, //                                    not Booble
  cock: /^cocks?$|^cock(?:suck|head|face|whore)/, //              not cockpit
  cuck: /^cucks?$/, //                                            not cuckold
  cum: /^cum(?:shots?|dump|slut)/, //                             not cum laude, Cumming
  dick: /^dicks?$|dick(?:head|face|wad|suck)/, //                 not Dickinson
  fag: /^fags?$|^fagg?ots?$|^fgg/, //                             not fagged
  fuck: /f(?:u|x|#|[^\p{L}\d])+c?k(?!ie|u[dios])|fck/u, //          not trafficking, feckless, Fukuda, nor fsck
  fellatio: /^fellat(?!a)/,
  nigger: /^(?!niggard|te)/, //                                   not Tenggara
  piss: /^piss(?!ab|is)/,
  porn: /^(?!agap|pornograph|prn)/, //                            not Agapornis
  pussy: /^puss(?:y|ies)$/, //                                    not pussycat
  shit: /^(?!shittim|shittah|shii|shitak)/, //                    not Shiites
  tit: /^tits$|^titt(?:y|ies)$|^tiddies$/, //                     not tit for tat, titter
  tranny: /^tran+(?:y|ies?)$/, //                                 not tranylcypromine
  turd: /^turds?$/, //                                            not turdus
  wank: /^(?!wankel)/,
};

const words = new DataSet<{ originalWord: string }>()
  .addAll(englishDataset)
  .removePhrasesIf(({ metadata }) => NEUTRAL.has(metadata!.originalWord));
const matcher = new RegExpMatcher({ ...words.build(), ...englishRecommendedTransformers });

/** Signs that are written for letters. */
const LETTERS: Readonly<Record<string, string>> = {
  $: 's',
  '@': 'a',
  '!': 'i',
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
};
const IN_WORD = /[\p{L}\p{N}$@!*]/u;
/** Longer words are none. */
const LONGEST = 40;

/**
 * Words that insult or are obscene, of English alone, however they are spelt: the list and the matcher of obscenity, which sees through
 * sh1t, b@stard and f*ck, and passes Scunthorpe. Told by the word, not by what is meant: a text of 1851 has cocks that are birds and asses that
 * are donkeys, and they count; and an insult in clean words does not. Dick with a capital counts as a name.
 */
export const toxicWords: Detector = (text) => {
  const spans = matcher.getAllMatches(text, true).flatMap((match) => counted(match, text));
  return withoutOverlaps([spans]);
};

function counted(match: MatchPayload, text: string): Span[] {
  const { originalWord } = words.getPayloadWithPhraseMetadata(match).phraseMetadata!;
  const [start, end] = wordAround(text, match.startIndex, match.endIndex + 1);
  const word = text.slice(start, end);
  // 455 is no word that is spelt with digits, and a bracket no c
  const isNumber = /\d{3}|\(/.test(word) || !/\p{L}/u.test(word);
  const isName = originalWord === 'dick' && /^Dick(?!head)/.test(word);
  const plain = word.toLowerCase().replace(/[$@!013-5]/g, (sign) => LETTERS[sign]);
  return isNumber || isName || COUNTED[originalWord]?.test(plain) === false ? [] : [{ kind: 'toxic', start, end }];
}

/** The word, or words, that a match lies in. */
function wordAround(text: string, start: number, end: number): [number, number] {
  let [first, last] = [start, end];
  while (first > 0 && start - first < LONGEST && IN_WORD.test(text[first - 1])) first--;
  while (last < text.length && last - end < LONGEST && IN_WORD.test(text[last])) last++;
  while (last > end && text[last - 1] === '!') last--;
  return [first, last];
}
