/** Where a tuning stopped: all that it needs to go on, bit for bit as if it had not. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError, UserError } from '../errors.ts';
import { encodeSafetensors } from '../export/safetensors.ts';
import { writeAtomic } from '../node/files.ts';
import { checkJson, damaged } from '../schema.ts';
import { FILES, readWeights } from '../train/runFolder.ts';
import type { StepperState } from '../train/stepper.ts';
import type { TuneRecord } from './tune.ts';

/** A tuning as it was right after a validation. */
export interface TuneState<Evaluation> {
  readonly step: number;
  readonly history: readonly TuneRecord<Evaluation>[];
  /** Trained parameters and their moments. */
  readonly stepper: StepperState;
  /** The best weights so far, a collection each. */
  readonly best: readonly Float32Array[];
}

/** What a tuning depends on: base, data, and what was asked for. */
export type TuneIdentity = Readonly<Record<string, unknown>>;

const Identity = z.record(z.string(), z.unknown()).nullable();

type ProgressOf<Evaluation> = Pick<TuneState<Evaluation>, 'step' | 'history'>;

/** What an evaluation holds is known to its task alone. */
const Progress = z.object({
  step: z.int().min(0),
  history: z.array(z.object({ step: z.int(), loss: z.number(), evaluation: z.looseObject({}), best: z.boolean() })),
});

const BEST = 'best weights ';

/** The checkpoint of a tuning in its folder, a file that is replaced as a whole. */
export class TuneCheckpoint {
  private readonly path: string;

  constructor(
    private readonly folder: string,
    private readonly identity: TuneIdentity,
    /** Whether to go on from what is there. */
    private readonly resume: boolean,
  ) {
    this.path = join(folder, FILES.resume);
  }

  /**
   * What to go on from; undefined when the tuning begins.
   * @throws UserError when there is nothing to go on from, or it is damaged; UsageError when something else was being tuned
   */
  async read<Evaluation>(): Promise<TuneState<Evaluation> | undefined> {
    if (!this.resume) return undefined;
    if (!existsSync(this.path)) {
      throw new UserError(`${this.folder} holds no tuning that was stopped: leave --resume out to begin one.`);
    }
    const { metadata, tensors } = await readWeights(this.folder, FILES.resume);
    this.check(metadata.identity);
    const named = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
    return {
      ...(checkJson(Progress, metadata.progress, damaged(`${this.path} (its progress)`)) as ProgressOf<Evaluation>),
      stepper: { tensors: named.filter(({ name }) => !name.startsWith(BEST)) },
      best: named.filter(({ name }) => name.startsWith(BEST)).map(({ data }) => data),
    };
  }

  private check(identity: string | undefined): void {
    const before = checkJson(Identity, identity ?? 'null', damaged(`${this.path} (its identity)`));
    if (!before) throw new UserError(`${this.path} is no checkpoint of a tuning: begin anew, without --resume.`);
    const now = JSON.parse(JSON.stringify(this.identity)) as TuneIdentity; // as it would be read back
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    const other = names.find((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
    if (other === undefined) return;
    throw new UsageError(
      `${this.folder} was being tuned otherwise, "${other}" is not the same: resume with what it was begun with, or begin anew without --resume`,
    );
  }

  /** @throws UserError when the folder cannot be written */
  async write<Evaluation>({ step, history, stepper, best }: TuneState<Evaluation>): Promise<void> {
    const weights = best.map((data, i) => ({ name: `${BEST}${i}`, shape: [data.length], data }));
    const metadata = { identity: JSON.stringify(this.identity), progress: JSON.stringify({ step, history }) };
    await writeAtomic(this.path, encodeSafetensors([...stepper.tensors, ...weights], metadata));
  }

  /** A tuning that has ended needs it no more. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
