/** What the transfer experiment has measured so far, on disk: a line for each training, so that a stopped one goes on. */
import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { errorCode, writeAtomic } from '../../node/files.ts';
import type { RecallResult } from './recallRun.ts';
import type { CellSettings } from './transferPlan.ts';
import type { PromptedPoint, TransferCell } from './transferResult.ts';

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
    const { kind, ...before } = (first ?? {}) as unknown as TransferIdentity & { kind: string };
    const differs = (Object.keys(identity) as (keyof TransferIdentity)[]).find(
      (name) => name !== 'startedAt' && before[name] !== identity[name],
    );
    if (kind !== 'identity' || differs) {
      throw new UserError(
        `${folder} holds an experiment with ${differs === 'base' ? 'another base model' : `other settings (${differs})`}: choose another folder with --out, or remove that one.`,
      );
    }
    await writeAtomic(path, [first, ...records].map(line).join(''));
    return new TransferStore(path, before, records as unknown as TransferRecord[]);
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

const line = (value: object): string => `${JSON.stringify(value)}\n`;

const parseLines = (text: string): object[] =>
  text.split('\n').flatMap((one) => {
    try {
      return one ? [JSON.parse(one)] : [];
    } catch {
      return [];
    }
  });
