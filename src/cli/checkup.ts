import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { examine } from '../health/examine.ts';
import { loss } from '../report/format.ts';
import { type FoundCard, flagsOf, type HealthCard } from '../report/healthCard.ts';
import { shellWord } from '../shellWord.ts';
import type { Dataset } from '../text/windows/dataset.ts';
import { evaluationBatches } from '../text/windows/windows.ts';
import { readLog } from '../train/runFolder.ts';
import { loadRun, type SavedRun } from '../train/savedRun.ts';
import { datasetOf } from './corpus.ts';
import { openEngine } from './engine.ts';
import { adapterOption, examples, jsonOption, runOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';

interface CheckupFlags {
  run: string;
  text?: string;
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
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm checkup --run runs/moby-dick-quick'))
    .action(checkupVerb);
}

async function checkupVerb(flags: CheckupFlags): Promise<void> {
  const { run: folder, json } = flags;
  const log = await readLog(folder);
  const { engine } = await openEngine(flags.adapter);
  const run = await loadRun(engine, folder, 'last');
  const text = await textOf(run, flags);
  const health = await examine({ ...patientOf(run), ...text, log, tokenizer: run.tokenizer });
  if (!health)
    throw new UserError(`${folder} has a log of fewer than 10 steps, of which nothing can be said: train on.`);
  if (json) printJson({ run: folder, withText: text !== undefined, ...health });
  else print(inWords(health, folder));
}

function patientOf({ config, dataCard: card, model, state, tunedFrom, importedFrom }: SavedRun) {
  const status = (state?.step ?? config.steps) < config.steps ? ('stopped' as const) : ('finished' as const);
  return { config, card, model, status, isFresh: !tunedFrom && !importedFrom };
}

/** The text as tokens; where it is gone or another one by now that is said, and the check-up goes by the log alone. */
async function textOf(
  run: SavedRun,
  { run: folder, text }: CheckupFlags,
): Promise<{ tokens: Dataset; validation: ReturnType<typeof evaluationBatches> } | undefined> {
  if (run.tunedFrom?.chat) return undefined;
  const { batchSize, blockSize } = run.config;
  const advice = `Give it: npx dawnlm checkup --run ${shellWord(folder)} --text file.txt`;
  try {
    const tokens = await datasetOf(run, folder, advice, text);
    return { tokens, validation: evaluationBatches(tokens.validation, batchSize, blockSize) };
  } catch (error) {
    if (!(error instanceof UserError) || text !== undefined) throw error;
    say(`${error.message} Without it there are no rungs, and nothing is said of the text.`);
    return undefined;
  }
}

function inWords({ line, findings, rungs, measured }: HealthCard, folder: string): string {
  const ladder = rungs.map((rung) => [`  ${rung.name}`, loss(rung.loss), rung.bitsPerByte.toFixed(2)]);
  const parts = [
    `checkup of ${folder}: ${line}\n`,
    ...findings.map(found),
    `What was measured\n${table(
      measured.map(([name, value]) => [`  ${name}`, value]),
      2,
    )}`,
    ladder.length > 0 && table([['Predictions without a model', 'nats a token', 'bits a byte'], ...ladder]),
  ];
  return parts.filter(Boolean).join('\n');
}

function found({ name, severity, sentence, advice, symptoms }: FoundCard, index: number): string {
  const more = symptoms.map((symptom) => `   follows from it: ${symptom}\n`).join('');
  const flags = advice?.settings ? `\n     ${flagsOf(advice.settings)}` : '';
  const what = advice ? `   what to do: ${advice.sentence}${flags}\n` : '';
  return `${index + 1}. ${name.replaceAll('-', ' ')}${severity === 'note' ? ' (note)' : ''}\n   ${sentence}\n${more}${what}`;
}
