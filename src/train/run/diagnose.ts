import { mean } from 'simple-statistics';
import { smallest } from '../../numbers.ts';
import type { LogRecord } from '../../report/logRecord.ts';
import { TrainConfig } from '../config.ts';
import { PRESETS } from '../presets.ts';

/** Steps whose mean loss is judged. */
const WINDOW = 20;

/** Gradients that overflow below this do not for their scale: it begins at 2^16. */
const LEAST_LOSS_SCALE = 2 ** -10;

/** What a diagnosis goes by, beside the losses. */
interface Diagnosed {
  readonly config: TrainConfig;
  readonly vocabSize: number;
  /** Whether there is a checkpoint from before. */
  readonly saved: boolean;
}

/**
 * A sentence with the likely cause when training has gone wrong, else undefined: a loss or gradient that is not a number, or
 * a mean loss far above that of guessing (ln V), which fresh weights start at.
 */
export function diagnose(
  log: readonly LogRecord[],
  config: TrainConfig,
  vocabSize: number,
  saved = true,
): string | undefined {
  const run = { config, vocabSize, saved };
  const steps = log.filter(({ loss }) => loss !== undefined);
  const broken = steps.find((record) => !isSound(record));
  if (broken) {
    const before = steps.filter(({ step }) => step < broken.step).slice(-WINDOW);
    return `The loss was no longer a number at step ${broken.step}. ${likelyCause(before, run)}`;
  }
  if ((steps.at(-1)?.lossScale ?? 1) < LEAST_LOSS_SCALE) {
    return `Step after step overflowed 16-bit floats, down to a loss scale of ${steps.at(-1)!.lossScale}. ${anew(run)} --precision float32, or a smaller --learning-rate.`;
  }
  const recent = steps.slice(-WINDOW).map(({ loss }) => loss!);
  const guessing = Math.log(vocabSize);
  if (recent.length < WINDOW || !(mean(recent) > 1.5 * guessing + 1)) return undefined;
  const now = mean(recent).toFixed(2);
  return `The loss rose to ${now}, far above guessing (${guessing.toFixed(2)}). ${likelyCause(steps.slice(-WINDOW), run)}`;
}

/** A skipped step has no norm, and is none the worse for it. */
const isSound = ({ loss, gradientNorm, skipped }: LogRecord): boolean =>
  Number.isFinite(loss) && (skipped === true || Number.isFinite(gradientNorm));

/** A rate that is too high shows at once, or in a loss that rises before it breaks. */
function likelyCause(before: readonly LogRecord[], run: Diagnosed): string {
  const { learningRate, clipNorm } = run.config;
  const losses = before.flatMap(({ loss }) => loss ?? []);
  const rising = losses.length > 1 && losses[losses.length - 1] > smallest(losses) + 0.5;
  const early = losses.length < WINDOW;
  if (rising || early || losses[losses.length - 1] > Math.log(run.vocabSize)) {
    const clip = clipNorm === 0 ? ' and with --clip-norm 1' : '';
    return `Likely the learning rate of ${learningRate} is too high. ${anew(run)} --learning-rate ${lowerRate(run.config)}${clip}.`;
  }
  return `It came without warning, as when one gradient overflows. ${anew(run)} a longer --warmup-steps or a smaller --clip-norm.`;
}

const anew = ({ saved }: Diagnosed): string =>
  saved ? 'The last good checkpoint is kept: train anew with' : 'No checkpoint was saved before: train anew with';

/** A tenth of the rate, and no more than is known to work. */
function lowerRate({ learningRate, optimizer }: TrainConfig): number {
  const known = TrainConfig.parse(optimizer === 'muon' ? PRESETS.quick.settings : {}).learningRate;
  return Number(Math.min(learningRate / 10, known).toPrecision(3));
}
