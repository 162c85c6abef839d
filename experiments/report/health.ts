/** The report of the study of check-ups: what was planted, what was found. */
import type { Part } from '../../src/report/html.ts';
import { type Column, renderPage, section, table } from '../../src/report/page.ts';
import type { StudyRecord } from '../health/study.ts';
import { studyInWords } from '../health/words.ts';

/** The report as a whole HTML document. The same records give the same bytes. */
export const renderStudy = (records: readonly StudyRecord[]): string =>
  renderPage({
    title: 'Planted faults, and what a check-up finds',
    over: 'Experiment',
    abstract: studyInWords(records).join(' '),
    sections: [
      half('Planted faults', records, (record) => record.fault !== undefined && !record.drawn),
      half('Planted faults, drawn', records, (record) => record.fault !== undefined && record.drawn),
      half('Sound runs', records, (record) => record.fault === undefined),
    ],
  });

const half = (heading: string, records: readonly StudyRecord[], is: (record: StudyRecord) => boolean): Part =>
  section(heading, table(records.filter(is), COLUMNS));

const COLUMNS: readonly Column<StudyRecord>[] = [
  ['Run', ({ name, what }) => `${name} (${what})`, 'long'],
  ['Found', ({ findings }) => namesOf(findings), 'long'],
  ['Right', ({ right }) => (right ? 'yes' : 'no')],
  ['Tried', ({ trials }) => trials.map(({ verdict, sentence }) => `${verdict}: ${sentence}`).join(' '), 'long'],
];

const namesOf = (findings: StudyRecord['findings']): string =>
  findings
    .filter(({ severity }) => severity === 'problem')
    .map(({ name }) => name.replaceAll('-', ' '))
    .join(', ') || 'nothing';
