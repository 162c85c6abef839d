import type { LabelledText } from '../../src/text/labels/labelled.ts';
import { shuffled } from '../../src/text/labels/labelled.ts';

const BEGINNINGS = 'a,one,my,the,her,his,our,that,this,no'.split(',');
const ENDS = 'is here,ran off,sleeps,was fed,bites,left,came,sat down'.split(',');

/** Short texts of two classes, 40 to train, 20 to validate and 20 to test; a share of the labels is wrong. */
export function animalTexts(wrong = 0) {
  const all = BEGINNINGS.flatMap((first, i) =>
    ENDS.map((last, j): LabelledText => {
      const animal = (i + j) % 2 === 0 ? 'cat' : 'dog';
      const swapped = ((7 * i + 3 * j) % 10) / 10 < wrong;
      return { text: `${first} ${animal} ${last}`, label: swapped === (animal === 'cat') ? 'dog' : 'cat' };
    }),
  );
  const order = shuffled(all, 1);
  return { train: order.slice(0, 40), validation: order.slice(40, 60), test: order.slice(60) };
}
