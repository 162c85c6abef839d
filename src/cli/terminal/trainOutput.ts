/** What training says: events while it runs, and the result. */
import { bytes, count, loss } from '../../report/format.ts';
import { shellWord } from '../../shellWord.ts';
import type { RunEvent, RunResult, TrainRunOptions } from '../../train/run/events.ts';
import { lossCurve } from './lossCurve.ts';
import { print, printJson, printPainted } from './output.ts';
import { Progress } from './progress.ts';
import { stopSignal } from './stopSignal.ts';
import { type LiveFigures, terminalOf } from './terminal.ts';

const CURVE_HEIGHT = 16;

/** A listener that keeps the live line up to date and notes what training begins with. */
export function watch(progress: Progress): (event: RunEvent) => void {
  let figures: LiveFigures = { step: 0, steps: 0 };
  return (event) => {
    if (event.type === 'data') progress.note(dataInWords(event));
    if (event.type === 'tuning') progress.note(tuningInWords(event));
    if (event.type === 'tuned') progress.note(tunedInWords(event));
    if (event.type === 'plan') progress.note(planInWords(event));
    if (event.type === 'restored') progress.note(RESTORED);
    if (event.type !== 'log') return;
    const { record, plannedSteps: steps, remainingMs: leftMs = figures.leftMs } = event;
    const { step, loss = figures.loss, validationLoss = figures.validationLoss } = record;
    figures = {
      step,
      steps,
      leftMs,
      loss,
      validationLoss,
      tokensPerSecond: record.tokensPerSecond ?? figures.tokensPerSecond,
    };
    progress.update(figures);
  };
}

const RESTORED =
  'The folder of the run was removed or moved away: it is written anew, without the best weights so far, which only it held.';

function dataInWords({ card }: RunEvent & { type: 'data' }): string {
  const { name, characters, trainTokens, validationTokens, tokenizer, vocabularySize, duplicates = 0, cut = 0 } = card;
  const left = duplicates > 0 ? `; ${count(duplicates)} duplicates left out` : '';
  const shortened =
    cut > 0 ? `; ${count(cut)} answers with their prompts are longer than the context and were cut` : '';
  return `text: ${name}, ${count(characters)} characters; ${count(trainTokens)} ${tokenizer} tokens to train on, ${count(validationTokens)} held out, vocabulary ${count(vocabularySize)}${left}${shortened}`;
}

const tuningInWords = ({ unknown, budgetMs }: RunEvent & { type: 'tuning' }): string =>
  `tuning: ${unknown} kernels whose best form no table knows are compiled, and others tried for ${budgetMs / 1000} s (--no-autotune goes without)`;

function tunedInWords({ measured, changed, timeMs, unsaved }: RunEvent & { type: 'tuned' }): string {
  const words = `tuned: ${measured} kernels in ${(timeMs / 1000).toFixed(1)} s, ${changed} of them to another form`;
  return unsaved ? `${words}, for this run alone: ${unsaved}` : words;
}

function planInWords({ parameters, trained, memoryBytes, memory, ...plan }: RunEvent & { type: 'plan' }): string {
  const parts = memory.map(({ what, sizeBytes }) => `${what} ${bytes(sizeBytes)}`).join(', ');
  const range = plan.firstStep > 0 ? `steps ${plan.firstStep + 1} to ${plan.steps}` : `${plan.steps} steps`;
  const share = `${count(trained)} trained (${((100 * trained) / parameters).toFixed(1)}%)`;
  const size = `${count(parameters)} parameters${trained === parameters ? '' : `, ${share}`}`;
  return `model: ${size}; precision: ${plan.precision}; memory: ${bytes(memoryBytes)} (${parts}); ${range}`;
}

/** How a run is shown. */
interface RunOutput {
  /** Steps that are planned. */
  readonly steps: number;
  /** Lines of JSON on standard output: each event, and the result. */
  readonly json?: boolean;
  /** The command that continues the run. */
  readonly again: string;
}

/** Trains under a live line and with signals heard, prints the result, and sets the exit code: 0, that of the signal when stopped, 1 when diverged. */
export async function runInTerminal(
  train: (watched: Required<Pick<TrainRunOptions, 'signal' | 'onEvent'>>) => Promise<RunResult>,
  output: RunOutput,
): Promise<void> {
  const progress = new Progress();
  const show = watch(progress);
  const onEvent = (event: RunEvent): void => {
    if (output.json) printJson(event);
    show(event);
  };
  const signal = stopSignal();
  const result = await train({ signal, onEvent }).finally(() => progress.end());
  printResult(result, output);
  process.exitCode = { finished: 0, stopped: signal.reason, diverged: 1 }[result.status];
}

/** The result: as one line of JSON, or as a picture, samples, and what to do next. */
function printResult({ log, samples, saved, ...result }: RunResult, { steps: planned, json, again }: RunOutput): void {
  if (json) return void printJson({ type: 'result', ...result });
  const { width, color } = terminalOf(process.stdout);
  const { folder, status, steps, validationLoss, report, warnings } = result;
  printPainted(`\n${lossCurve(log, width, CURVE_HEIGHT, color)}\n\n`);
  for (const [i, { text }] of samples.entries()) print(`Sample ${i + 1}\n${text.trim()}\n\n`);
  for (const warning of warnings) print(`${warning}\n\n`);
  const scored = Number.isFinite(validationLoss) ? `, validation loss ${loss(validationLoss)} nats a token` : '';
  print(`${status} after ${steps} of ${planned} steps${scored}\nrun: ${folder}\nreport: ${report}\n`);
  const run = shellWord(folder);
  const { health } = result.appraisal;
  if (health) print(`checkup: ${health.line}\n`);
  if (health?.findings.length) print(`what to do about it: npx dawnlm checkup --run ${run}\n`);
  if (status === 'stopped') print(`continue: ${again}\n`);
  if (!saved) return;
  print(`sample: npx dawnlm sample --run ${run} --interactive\nscore a text: npx dawnlm eval --run ${run} file.txt\n`);
}
