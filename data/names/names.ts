/** First names: how they are spelled, and how one becomes a line and is had back. */

/** What stands in front of a name, and of whom it is. */
export const SEXES = ['girl', 'boy'] as const;
export type Sex = (typeof SEXES)[number];

export interface SexedName {
  readonly sex: Sex;
  readonly name: string;
}

/** Letters that a name has at most, hyphens included; the longest of the lists has 15. */
export const LONGEST = 16;

/** What has the form of a name: Ann, Ann-Marie. */
const NAME = /^[A-Z][a-z]+(-[A-Z][a-z]+)*$/;

export const isName = (text: string): boolean => text.length <= LONGEST && NAME.test(text);

/** As all names are spelled here, whose capitals are the first letters: the lists have an "ErvIn" too. */
export const spelled = (name: string): string =>
  name.toLowerCase().replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());

/** What a name of that sex follows on in its line. */
export const promptOf = (sex: Sex): string => `${sex}: `;

export const lineOf = ({ sex, name }: SexedName): string => `${promptOf(sex)}${name}\n`;

/** The names of a part, back from its lines; lines of another form are left out. */
export const namesIn = (text: string): SexedName[] =>
  text.split('\n').flatMap((line) => {
    const sex = SEXES.find((one) => line.startsWith(promptOf(one)));
    const name = sex && line.slice(promptOf(sex).length);
    return name && isName(name) ? [{ sex, name }] : [];
  });
