import { createHash } from 'node:crypto';
import type { TaskCard } from '../text/labels/taskCard.ts';

/** The card of a user's own file: of its licence nothing is known. */
export const ownCard = (
  path: string,
  content: string,
  { task, note, parts, duplicates }: Pick<TaskCard, 'task' | 'note' | 'parts' | 'duplicates'>,
): TaskCard => ({
  name: path,
  task,
  source: path,
  licence: "unknown: the user's own file",
  note,
  parts,
  duplicates,
  sha256: createHash('sha256').update(content).digest('hex'),
});
