import type { LabelledText } from '../../src/text/labels/labelled.ts';
import type { ClassifySet } from '../recipe.ts';
import { drawnFashion, fashion } from './domain.ts';
import type { Lines } from './lines.ts';
import { isHeldOut } from './words.ts';

/** Pictures of a part at most, the first ones: more labels than anyone gives. */
const MOST = { train: 4096, validation: 512, test: 1024 };

/** Pictures without words, to be told what they show. See card.md. */
export const fashionThings: ClassifySet = {
  name: 'fashion-things',
  folder: 'fashion-words',
  title: 'Pictures of things to wear: codes of patches to what they show',
  licence: fashion.licence,
  source: fashion.source,
  note: 'The pictures of fashion under captions of which nothing is told; its training captions told most of the things, in front of the pictures.',
  sha256: '50de47f35487e5251ffb80eb5b0d2f6a15f575888c71f311a11638394a13f514',
  task: 'classify',
  packages: fashion.packages,
  async build(files) {
    const { lines, parts } = await drawnFashion(files);
    const labelled = (part: keyof typeof MOST): LabelledText[] =>
      labelledLines(lines, parts[part]).slice(0, MOST[part]);
    return {
      parts: { train: labelled('train'), validation: labelled('validation'), test: labelled('test') },
      duplicates: { within: 0, across: 0, conflicting: 0 }, // the parts of fashion hold none
    };
  },
};

/** Pictures whose thing is told and was seen in that colour, without the words. */
function labelledLines(lines: Lines, text: string): LabelledText[] {
  const { thing: things } = lines.captions.words;
  return text
    .trimEnd()
    .split('\n')
    .map((line) => lines.read(line))
    .flatMap(({ said: { thing, colour }, codes }) =>
      thing === undefined || (colour !== undefined && isHeldOut({ thing, colour }))
        ? []
        : [{ text: lines.line({}, codes), label: things[thing] }],
    );
}
