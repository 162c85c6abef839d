/** Longest passage, in characters: some 60 to 90 words. */
const LONGEST = 400;
/** Shorter ones say too little of when and by whom. */
const SHORTEST = 120;

/** Sentences that follow one another, as many as fit; a sentence too long for that is cut between words. */
export function passagesOf(speech: string): string[] {
  const passages: string[] = [];
  let passage = '';
  for (const piece of piecesOf(speech)) {
    if (passage && passage.length + 1 + piece.length > LONGEST) {
      passages.push(passage);
      passage = '';
    }
    passage = passage ? `${passage} ${piece}` : piece;
  }
  return [...passages, passage].filter(({ length }) => length >= SHORTEST);
}

function piecesOf(speech: string): string[] {
  const sentences = speech
    .replace(/\s+/g, ' ')
    .trim()
    .split(/(?<=[.?!]["')\]]*) (?=["'([]*[A-Z0-9])/);
  return sentences.flatMap((sentence) =>
    sentence.match(new RegExp(`.{1,${LONGEST}}(?= |$)|\\S+`, 'g'))!.map((piece) => piece.trim()),
  );
}

/** Years from 1700 on would give the period away. */
export const hideYears = (text: string): string => text.replace(/\b(?:1[789]|20)\d\d\b/g, '0000');
