/** What the transfer experiment has measured so far, on disk: a line for each training, so that a stopped one goes on. */
import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../src/errors.ts';
import { errorCode, writeAtomic } from '../../src/node/files.ts';
import type { FolderLock } from '../../src/node/lock.ts';
import { checkJson, checkLines } from '../../src/schema.ts';
import { RecallResult } from '../recall/run.ts';
import { PromptedPoint, TransferCell } from './result.ts';

const size = z.int().min(0);

/** What all lines were measured with: other settings make another experiment. */
const Identity = z.object({
  kind: z.literal('identity'),
  /** SHA-256 of the base's weights. */
  base: z.string(),
  adapter: z.string(),
  /** ISO 8601; not compared. */
  startedAt: z.string(),
  ...{ prompted: size, tested: size, mostSteps: size, validated: size, maxTokens: size },
});
export type TransferIdentity = Omit<z.infer<typeof Identity>, 'kind'>;

const Measured = z.discriminatedUnion('kind', [
  TransferCell.extend({ kind: z.literal('cell') }),
  PromptedPoint.extend({ kind: z.literal('prompted'), task: z.string() }),
  z.object({ kind: z.literal('recall'), result: RecallResult }),
]);
export type TransferRecord = z.infer<typeof Measured>;

const FILE = 'measured.jsonl';

export class TransferStore {
  private constructor(
    private readonly path: string,
    readonly identity: TransferIdentity,
    readonly records: TransferRecord[],
    private readonly lock?: FolderLock,
  ) {
    if (lock) lock.restore = () => this.writeAll();
  }

  private writeAll(): Promise<void> {
    return writeAtomic(this.path, [{ kind: 'identity', ...this.identity }, ...this.records].map(line).join(''));
  }

  /**
   * Goes on where a folder's experiment stopped, or begins one; a line that a kill cut short is measured again.
   * @param lock of the folder, where it is held: with it the file is written anew should the folder be removed
   * @throws UserError when the folder holds an experiment with other settings, or cannot be written
   */
  static async open(folder: string, identity: TransferIdentity, lock?: FolderLock): Promise<TransferStore> {
    const path = join(folder, FILE);
    const [first, ...lines] = existsSync(path) ? (await readFile(path, 'utf8')).split('\n') : [];
    const before = first === undefined ? identity : sameExperiment(folder, first, identity);
    const store = new TransferStore(path, before, checkLines(Measured, lines.join('\n')), lock);
    await store.writeAll();
    return store;
  }

  /**
   * What `open` makes sure of, for as much as is known before there is a base: for one that is trained in vain, and over that of
   * the experiment that is there, it would be too late.
   * @throws UserError when the folder holds an experiment with other settings
   */
  static async check(folder: string, known: Partial<TransferIdentity>): Promise<void> {
    const path = join(folder, FILE);
    if (existsSync(path)) sameExperiment(folder, (await readFile(path, 'utf8')).split('\n')[0], known);
  }

  /** @throws UserError when the disk is full or the folder read-only */
  async add(record: TransferRecord): Promise<void> {
    const append = () => appendFile(this.path, line(record));
    try {
      await (this.lock ? this.lock.write(append) : append());
      this.records.push(record);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`${this.path} cannot be written (${errorCode(error)}); what was measured before is intact.`, {
        cause: error,
      });
    }
  }
}

/** The first line of a file, where it is that of the same experiment. @throws UserError when it is not */
function sameExperiment(folder: string, first: string, wanted: Partial<TransferIdentity>): z.infer<typeof Identity> {
  const refuse = (found: string): Error =>
    new UserError(`${folder} holds an experiment ${found}: choose another folder with --out, or remove that one.`);
  const before = checkJson(Identity, first, (problem) => refuse(`whose ${FILE} cannot be read (${problem})`));
  const names = Object.keys(wanted) as (keyof TransferIdentity)[];
  const other = names.find((name) => name !== 'startedAt' && before[name] !== wanted[name]);
  if (!other) return before;
  throw refuse(other === 'base' ? 'with another base model' : `with other settings (${other})`);
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;
