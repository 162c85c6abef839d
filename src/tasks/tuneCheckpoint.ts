/** Where a tuning stopped: all that it needs to go on, bit for bit as if it had not. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError, UserError } from '../errors.ts';
import { tensorOf } from '../export/safetensors.ts';
import type { FolderLock } from '../node/lock.ts';
import { quote } from '../quote.ts';
import { checkJson, damaged } from '../schema.ts';
import type { Shape } from '../tensor/shape.ts';
import { FILES, readWeights, writeWeights } from '../train/runFolder.ts';
import type { StepperState } from '../train/stepper.ts';

/** What was seen at a validation. */
export interface Validation<Evaluation> {
  readonly step: number;
  /** Mean training loss of the steps since the validation before. */
  readonly loss: number;
  readonly evaluation: Evaluation;
  /** Whether it is the best so far. */
  readonly best: boolean;
}

/** A tuning as it was right after a validation, or where it was stopped. */
interface TuneState<Evaluation> {
  readonly step: number;
  readonly history: readonly Validation<Evaluation>[];
  /** Of the steps since the last validation, or the last of them. */
  readonly losses?: readonly number[];
  /** The best weights so far, a collection each. */
  readonly best: readonly Float32Array[];
}

/** What was saved of a tuning. */
export interface SavedTuning<Evaluation> extends TuneState<Evaluation> {
  /** Trained parameters and their moments, as the stepper names them. @throws UserError for what is not there */
  part(name: string, shape: Shape): Float32Array;
}

/** What a tuning depends on: base, data, and what was asked for. */
export type TuneIdentity = Readonly<Record<string, unknown>>;

const Identity = z.record(z.string(), z.unknown()).nullable();

type ProgressOf<Evaluation> = Pick<TuneState<Evaluation>, 'step' | 'history' | 'losses'>;

const step = z
  .int()
  .min(0)
  .lt(2 ** 32);

const progressWith = (evaluation: z.ZodType) =>
  z
    .object({
      step,
      history: z.array(z.object({ step, loss: z.number(), evaluation, best: z.boolean() })),
      losses: z.array(z.number()).optional(),
    })
    .refine(
      ({ step, history }) =>
        history.every(({ step: at, best }, i) => at <= step && (i === 0 ? best : at > history[i - 1].step)),
      { path: ['history'], error: 'must go up to the step, and begin with what is the best so far' },
    );

const BEST = 'best weights ';

/** What a checkpoint goes by beside its folder. */
interface Kept {
  /** Of the folder, where it is held. */
  readonly lock?: FolderLock;
  /** What its task sees at a validation. */
  readonly evaluation?: z.ZodType;
}

/** The checkpoint of a tuning in its folder, a file that is replaced as a whole. */
export class TuneCheckpoint {
  private readonly path: string;

  constructor(
    private readonly folder: string,
    private readonly identity: TuneIdentity,
    /** Whether to go on from what is there. */
    private readonly resume: boolean,
    private readonly kept: Kept = {},
  ) {
    this.path = join(folder, FILES.resume);
  }

  /**
   * What to go on from; undefined when the tuning begins.
   * @throws UserError when there is nothing to go on from, or it is damaged; UsageError when something else was being tuned
   */
  async read<Evaluation>(): Promise<SavedTuning<Evaluation> | undefined> {
    if (!this.resume) return undefined;
    if (!existsSync(this.path)) {
      throw new UserError(`${this.folder} holds no tuning that was stopped: leave --resume out to begin one.`);
    }
    const file = await readWeights(this.folder, FILES.resume);
    this.check(file.metadata.identity);
    const best = [...file.tensors].filter(([name]) => name.startsWith(BEST)).map(([, { data }]) => data);
    const schema = progressWith(this.kept.evaluation ?? z.looseObject({}));
    const progress = checkJson(schema, file.metadata.progress, damaged(`${this.path} (its progress)`));
    return { ...(progress as ProgressOf<Evaluation>), best, part: (name, shape) => tensorOf(file, name, shape) };
  }

  private check(identity: string | undefined): void {
    const before = checkJson(Identity, identity ?? 'null', damaged(`${this.path} (its identity)`));
    if (!before) throw new UserError(`${this.path} is no checkpoint of a tuning: begin anew, without --resume.`);
    const now = JSON.parse(JSON.stringify(this.identity)) as TuneIdentity; // as it would be read back
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    const other = names.find((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
    if (other === undefined) return;
    throw new UsageError(
      `${this.folder} was being tuned otherwise, ${quote(other)} is not the same: resume with what it was begun with, or begin anew without --resume`,
    );
  }

  /** @throws UserError when the folder cannot be written */
  async write<Evaluation>({ best, ...progress }: TuneState<Evaluation>, stepper: StepperState): Promise<void> {
    const weights = best.map((data, i) => ({ name: `${BEST}${i}`, shape: [data.length], data }));
    const metadata = { identity: JSON.stringify(this.identity), progress: JSON.stringify(progress) };
    const write = () => writeWeights(this.folder, FILES.resume, [...stepper.tensors, ...weights], metadata);
    const { lock } = this.kept;
    await (lock ? lock.write(write) : write());
  }

  /** A tuning that has ended needs it no more. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
