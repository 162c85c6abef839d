import type { StudyRecord } from './study.ts';

/** How many of each half are right, in a sentence each. */
export function studyInWords(records: readonly StudyRecord[]): string[] {
  return [false, true].flatMap((drawn) => {
    const half = records.filter((record) => record.drawn === drawn);
    if (half.length === 0) return [];
    const [planted, sound] = [half.filter(({ fault }) => fault), half.filter(({ fault }) => !fault)];
    const count = (of: readonly StudyRecord[], is: (record: StudyRecord) => boolean): string =>
      `${of.filter(is).length} of ${of.length}`;
    const kind = drawn ? 'Drawn by seed after the rules stood' : 'As the rules were made';
    return [
      `${kind}: ${count(planted, ({ right }) => right)} planted faults named right (${count(planted, ({ right, first }) => right && first)} before all else), ${count(planted, ({ confirmed }) => confirmed)} with advice that trying confirmed; ${count(sound, ({ right }) => !right)} sound runs with a false alarm.`,
    ];
  });
}
