import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { median } from 'simple-statistics';
import { UserError } from '../errors.ts';
import { examine } from '../health/examine.ts';
import { findRate } from '../health/findRate.ts';
import { tryAdvice } from '../health/trial.ts';
import type { Trials } from '../health/trials.ts';
import { writeAtomic } from '../node/files.ts';
import { loss } from '../report/format.ts';
import { type FoundCard, flagsOf, type HealthCard, type TrialCard } from '../report/healthCard.ts';
import type { LogRecord } from '../report/logRecord.ts';
import { seriesOf } from '../report/series.ts';
import { shellWord } from '../shellWord.ts';
import type { Dataset } from '../text/windows/dataset.ts';
import type { CountedBatches } from '../text/windows/windows.ts';
import { heldOutBatches, textMaterial } from '../train/run/material.ts';
import { readLog, readRunCard, readTokenizer } from '../train/runFolder.ts';
import { loadRun, type SavedRun } from '../train/savedRun.ts';
import { asTrained, datasetOf, givenOf, openCorpus } from './corpus.ts';
import { openEngine } from './engine.ts';
import { adapterOption, examples, jsonOption, runOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';
import { Progress } from './terminal/progress.ts';
import { stopSignal } from './terminal/stopSignal.ts';

interface CheckupFlags {
  run: string;
  text?: string;
  try?: boolean;
  findRate?: boolean;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm checkup`. */
export function addCheckup(program: Command): void {
  program
    .command('checkup')
    .description('is a run healthy? what was measured of it, what is wrong, and what to change')
    .addOption(runOption().makeOptionMandatory())
    .option('--text <file>', 'its text, if that has moved (it must be the same one)')
    .option('--try', 'try what is advised: 50 to 200 steps with each change and without it, or a score; in minutes')
    .option(
      '--find-rate',
      'in place of all that: 100 steps from fresh weights with a rate that grows, and a picture of the losses',
    )
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm checkup --run runs/moby-dick', 'dawnlm checkup --run runs/x --try'))
    .action(checkupVerb);
}

async function checkupVerb(flags: CheckupFlags): Promise<void> {
  if (flags.findRate) return rateVerb(flags);
  const { run: folder, json } = flags;
  const log = await readLog(folder);
  const { engine } = await openEngine(flags.adapter);
  const run = await loadRun(engine, folder, 'last');
  const text = await textOf(run, flags);
  const health = await examine({ ...patientOf(run), ...text, log, tokenizer: run.tokenizer });
  if (!health)
    throw new UserError(`${folder} has a log of fewer than 10 steps, of which nothing can be said: train on.`);
  const trials = flags.try ? await tryAll(run, health, log, flags) : [];
  if (trials.length > 0) await writePage(folder, health, trials);
  if (json) printJson({ run: folder, withText: text !== undefined, ...health, ...(flags.try && { trials }) });
  else print(inWords(health, folder, trials));
}

/** Of trainings of a hundred steps or so: they read text from the first one on. */
const TEXT_ALONE = { copyFraction: 0 };

/** `--find-rate`. Touches nothing of the run. */
async function rateVerb({ run: folder, text, adapter, json }: CheckupFlags): Promise<void> {
  const { config, dataCard } = await readRunCard(folder);
  const tokenizer = await readTokenizer(folder);
  const corpus = await asTrained(await openCorpus(text ?? givenOf(dataCard, folder, 'Give it with --text.')), config);
  const { engine } = await openEngine(adapter);
  const { train } = await textMaterial(corpus, { ...config, ...TEXT_ALONE, contextGrowth: 0 }, tokenizer);
  const signal = stopSignal('Stopping. Ctrl-C again ends at once.');
  const progress = new Progress();
  const onProgress = (done: number, steps: number): void => progress.note(`step ${done} of ${steps}`);
  const options = { config, vocabSize: tokenizer.vocabSize, batches: train, signal, onProgress };
  const found = { ...(await findRate(engine, options)), own: config.learningRate };
  progress.end();
  const { rateTestPage, rateTestSentence } = await import('../report/rateTest.ts'); // takes a second, for its chart
  const page = join(folder, 'rates.html');
  await writeAtomic(page, rateTestPage({ name: basename(resolve(folder)), ...found }));
  if (json) printJson({ run: folder, ...found, page });
  else print(`${rateTestSentence(found)}\npage: ${page}\n`);
}

/** Tries each advice, one after the other, until all are tried or Ctrl-C. */
async function tryAll(run: SavedRun, health: HealthCard, log: readonly LogRecord[], flags: CheckupFlags) {
  const signal = stopSignal('Stopping; what was tried is kept. Ctrl-C again ends at once.');
  const progress = new Progress();
  const advised = health.findings.filter(({ advice }) => advice);
  const done: TrialCard[] = [];
  const begun = await trialsOf(run, log, flags);
  for (const found of advised) {
    if (signal.aborted) break;
    progress.note(`trying what is advised against "${found.name.replaceAll('-', ' ')}"`);
    const onStep = (what: string, step: number): void => {
      if (step % 50 === 0 || step === begun.steps) progress.note(`  ${what}: step ${step} of ${begun.steps}`);
    };
    try {
      done.push(await tryAdvice(found, { ...begun, signal, onStep }));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  progress.end();
  return done;
}

/** Time that one training of a trial takes at most, as far as the run's own speed tells. */
const TRIAL_MS = 60_000;

async function trialsOf(
  run: SavedRun,
  log: readonly LogRecord[],
  { run: folder, text }: CheckupFlags,
): Promise<Trials> {
  const { config, model, tokenizer, dataCard } = run;
  const { engine } = model;
  const corpus = await asTrained(await openCorpus(text ?? givenOf(dataCard, folder, 'Give it with --text.')), config);
  const speeds = seriesOf(log, 'tokensPerSecond').map(({ value }) => value);
  const stepMs = (1000 * config.batchSize * config.blockSize * config.gradientAccumulation) / median([1, ...speeds]);
  return {
    ...{ engine, config: { ...config, ...TEXT_ALONE }, logged: seriesOf(log, 'loss') },
    steps: Math.max(50, Math.min(200, Math.floor(TRIAL_MS / stepMs))),
    material: (set, refit) => textMaterial(corpus, set, refit ? undefined : tokenizer),
    weights: async (which) => (which === 'last' ? model : (await loadRun(engine, folder, which)).model),
  };
}

async function writePage(folder: string, health: HealthCard, trials: readonly TrialCard[]): Promise<void> {
  const { renderCheckup } = await import('../report/checkupPage.ts'); // takes a second, for its charts
  await writeAtomic(join(folder, PAGE), renderCheckup(basename(resolve(folder)), health, trials));
}
const PAGE = 'checkup.html';

function patientOf({ config, dataCard: card, model, state, tunedFrom, importedFrom }: SavedRun) {
  const status = (state?.step ?? config.steps) < config.steps ? ('stopped' as const) : ('finished' as const);
  return { config, card, model, status, isFresh: !tunedFrom && !importedFrom };
}

/** The text as tokens; where it is gone or another one by now that is said, and the check-up goes by the log alone. */
async function textOf(
  run: SavedRun,
  { run: folder, text }: CheckupFlags,
): Promise<{ tokens: Dataset; validation: CountedBatches } | undefined> {
  if (run.tunedFrom?.chat) return undefined;
  const advice = `Give it: npx dawnlm checkup --run ${shellWord(folder)} --text file.txt`;
  try {
    const tokens = await datasetOf(run, folder, advice, text);
    return { tokens, validation: heldOutBatches(tokens.validation, run.tokenizer, run.config) };
  } catch (error) {
    if (!(error instanceof UserError) || text !== undefined) throw error;
    say(`${error.message} Without it there are no rungs, and nothing is said of the text.`);
    return undefined;
  }
}

function inWords(
  { line, findings, rungs, measured }: HealthCard,
  folder: string,
  trials: readonly TrialCard[],
): string {
  const ladder = rungs.map((rung) => [`  ${rung.name}`, loss(rung.loss), rung.bitsPerByte.toFixed(2)]);
  const parts = [
    `checkup of ${folder}: ${line}\n`,
    ...findings.map((one, i) =>
      found(
        one,
        i,
        trials.find(({ finding }) => finding === one.name),
      ),
    ),
    `What was measured\n${table(
      measured.map(([name, value]) => [`  ${name}`, value]),
      2,
    )}`,
    ladder.length > 0 && table([['Predictions without a model', 'nats a token', 'bits a byte'], ...ladder]),
    trials.length > 0 && `page: ${join(folder, PAGE)}\n`,
  ];
  return parts.filter(Boolean).join('\n');
}

function found({ name, severity, sentence, advice, symptoms }: FoundCard, index: number, trial?: TrialCard): string {
  const more = symptoms.map((symptom) => `   follows from it: ${symptom}\n`).join('');
  const flags = advice?.settings ? `\n     ${flagsOf(advice.settings)}` : '';
  const tried = trial ? `   tried: ${trial.verdict}. ${trial.sentence}\n` : '';
  const what = advice ? `   what to do: ${advice.sentence}${flags}\n` : '';
  return `${index + 1}. ${name.replaceAll('-', ' ')}${severity === 'note' ? ' (note)' : ''}\n   ${sentence}\n${more}${what}${tried}`;
}
