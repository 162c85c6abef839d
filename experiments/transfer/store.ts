/** What the transfer experiment has measured so far, on disk: a line for each training, so that a stopped one goes on. */
import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../src/errors.ts';
import { errorCode, writeAtomic } from '../../src/node/files.ts';
import type { RecallResult } from '../recall/run.ts';
import type { CellSettings } from './plan.ts';
import type { PromptedPoint, TransferCell } from './result.ts';

/** What all lines were measured with: other settings make another experiment. */
export interface TransferIdentity extends CellSettings {
  /** SHA-256 of the base's weights. */
  readonly base: string;
  readonly adapter: string;
  readonly prompted: number;
  /** ISO 8601; not compared. */
  readonly startedAt: string;
}

export type TransferRecord =
  | ({ readonly kind: 'cell' } & TransferCell)
  | ({ readonly kind: 'prompted'; readonly task: string } & PromptedPoint)
  | { readonly kind: 'recall'; readonly result: RecallResult };

const FILE = 'measured.jsonl';

export class TransferStore {
  private constructor(
    private readonly path: string,
    readonly identity: TransferIdentity,
    readonly records: TransferRecord[],
  ) {}

  /**
   * Goes on where a folder's experiment stopped, or begins one; a line that a kill cut short is measured again.
   * @throws UserError when the folder holds an experiment with other settings, or cannot be written
   */
  static async open(folder: string, identity: TransferIdentity): Promise<TransferStore> {
    const path = join(folder, FILE);
    if (!existsSync(path)) {
      await writeAtomic(path, line({ kind: 'identity', ...identity }));
      return new TransferStore(path, identity, []);
    }
    const [first, ...records] = parseLines(await readFile(path, 'utf8'));
    const { kind, ...before } = sameExperiment(folder, first, identity);
    await writeAtomic(path, [{ kind, ...before }, ...records].map(line).join(''));
    return new TransferStore(path, before, records as unknown as TransferRecord[]);
  }

  /**
   * What `open` makes sure of, for as much as is known before there is a base: for one that is trained in vain, and over that of
   * the experiment that is there, it would be too late.
   * @throws UserError when the folder holds an experiment with other settings
   */
  static async check(folder: string, known: Partial<TransferIdentity>): Promise<void> {
    const path = join(folder, FILE);
    if (existsSync(path)) sameExperiment(folder, parseLines(await readFile(path, 'utf8'))[0], known);
  }

  /** @throws UserError when the disk is full or the folder read-only */
  async add(record: TransferRecord): Promise<void> {
    this.records.push(record);
    try {
      await appendFile(this.path, line(record));
    } catch (error) {
      throw new UserError(`${this.path} cannot be written (${errorCode(error)}); what was measured before is intact.`, {
        cause: error,
      });
    }
  }
}

/** The first line of a file, where it is that of the same experiment. @throws UserError when it is not */
function sameExperiment(
  folder: string,
  first: object | undefined,
  wanted: Partial<TransferIdentity>,
): TransferIdentity & { kind: string } {
  const before = (first ?? {}) as TransferIdentity & { kind: string };
  const differs = (Object.keys(wanted) as (keyof TransferIdentity)[]).find(
    (name) => name !== 'startedAt' && before[name] !== wanted[name],
  );
  if (before.kind === 'identity' && !differs) return before;
  const found =
    before.kind !== 'identity'
      ? `an experiment whose ${FILE} cannot be read`
      : `an experiment with ${differs === 'base' ? 'another base model' : `other settings (${differs})`}`;
  throw new UserError(`${folder} holds ${found}: choose another folder with --out, or remove that one.`);
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;

const parseLines = (text: string): object[] =>
  text.split('\n').flatMap((one) => {
    try {
      return one ? [JSON.parse(one)] : [];
    } catch {
      return [];
    }
  });
