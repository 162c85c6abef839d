/** What an experiment has measured so far, on disk: a line for each measurement, so that a stopped one goes on. */
import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { UserError } from '../src/errors.ts';
import { errorCode, writeAtomic } from '../src/node/files.ts';
import type { FolderLock } from '../src/node/lock.ts';
import { checkJson, checkLines } from '../src/schema.ts';

/** What all lines of an experiment were measured with: other settings make another experiment. */
export interface Identity {
  readonly kind: 'identity';
  /** ISO 8601; not compared. */
  readonly startedAt: string;
}

/** An identity as callers give it. */
export type Settings<I extends Identity> = Omit<I, 'kind'>;

/** What the lines of an experiment's file are. */
export interface Lines<I extends Identity, R extends object> {
  readonly identity: z.ZodType<I>;
  readonly record: z.ZodType<R>;
  /** What an identity is "with another" of, by the name of the field that differs: base -> "base model". */
  readonly names?: Readonly<Record<string, string>>;
}

const FILE = 'measured.jsonl';

export class ExperimentStore<I extends Identity, R extends object> {
  private constructor(
    private readonly path: string,
    readonly identity: Settings<I>,
    readonly records: R[],
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
  static async open<I extends Identity, R extends object>(
    kind: Lines<I, R>,
    folder: string,
    identity: Settings<I>,
    lock?: FolderLock,
  ): Promise<ExperimentStore<I, R>> {
    const path = join(folder, FILE);
    const [first, ...rest] = existsSync(path) ? (await readFile(path, 'utf8')).split('\n') : [];
    const before = first === undefined ? identity : sameExperiment(kind, folder, first, identity);
    const store = new ExperimentStore<I, R>(path, before, checkLines(kind.record, rest.join('\n')), lock);
    await store.writeAll();
    return store;
  }

  /**
   * What `open` makes sure of, for as much as is known before long work begins.
   * @throws UserError when the folder holds an experiment with other settings
   */
  static async check<I extends Identity, R extends object>(
    kind: Lines<I, R>,
    folder: string,
    known: Partial<Settings<I>>,
  ): Promise<void> {
    const path = join(folder, FILE);
    if (existsSync(path)) sameExperiment(kind, folder, (await readFile(path, 'utf8')).split('\n')[0], known);
  }

  /** @throws UserError when the disk is full or the folder read-only */
  async add(record: R): Promise<void> {
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
function sameExperiment<I extends Identity>(
  { identity, names = {} }: Pick<Lines<I, object>, 'identity' | 'names'>,
  folder: string,
  first: string,
  wanted: Partial<Settings<I>>,
): I {
  const refuse = (found: string): Error =>
    new UserError(`${folder} holds an experiment ${found}: choose another folder with --out, or remove that one.`);
  const before = checkJson(identity, first, (problem) => refuse(`whose ${FILE} cannot be read (${problem})`));
  const fields = Object.keys(wanted) as (keyof Settings<I> & string)[];
  const other = fields.find((field) => field !== 'startedAt' && before[field] !== wanted[field]);
  if (!other) return before;
  throw refuse(other in names ? `with another ${names[other]}` : `with other settings (${other})`);
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;
