import { type Command, Option } from 'commander';
import { corpora } from '../../data/corpora.ts';
import { expectedEnergy } from '../cost/energy.ts';
import { forecastOf, type RunForecast } from '../cost/forecast.ts';
import { PARTS, stepWork } from '../cost/operations.ts';
import { UsageError, UserError } from '../errors.ts';
import type { CostCard } from '../report/costCard.ts';
import { operationsASecond } from '../report/costWords.ts';
import { bytes, count, durationInWords, percent } from '../report/format.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import { resolveConfig, SETTINGS, TrainConfig } from '../train/config.ts';
import { choosePrecision } from '../train/precision.ts';
import { PRESETS } from '../train/presets.ts';
import { textMaterial } from '../train/run/material.ts';
import { readRunCard } from '../train/runFolder.ts';
import { consequences, type Rates } from './consequences.ts';
import { asTrained, CORPUS_ARGUMENT, openCorpus } from './corpus.ts';
import { openEngine } from './engine.ts';
import { printGeneration } from './generationCost.ts';
import { adapterOption, examples, jsonOption, number, runOption, settingOptions, weightsOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';
import { DEFAULT_PRESET } from './trainPlan.ts';

interface CostFlags extends Partial<TrainConfig>, Rates {
  run?: string;
  generate?: boolean;
  weights: WeightFormat;
  preset?: string;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm cost`. */
export function addCost(program: Command): void {
  const verb = program
    .command('cost')
    .description('what a run cost (--run), or would: operations, memory, time, energy, CO2 and money')
    .argument('[corpus]', `to forecast a run: ${CORPUS_ARGUMENT} (default: ${corpora[0].name})`)
    .addOption(runOption('folder of a run whose account is shown; nothing is forecast then'))
    .option('--generate', 'with --run: what generating with it costs, measured now')
    .addOption(weightsOption())
    .option(
      '--preset <name>',
      `of the run to forecast: ${Object.keys(PRESETS).join(', ')} (default: ${DEFAULT_PRESET})`,
    )
    .option('--grid <g>', 'grams of CO2 a kWh (default: 20 to 900, the range of the grids)', number({ least: 0 }))
    .addOption(new Option('--price-hour <x>', 'what an hour of the machine costs').argParser(number({ least: 0 })))
    .addOption(new Option('--price-kwh <x>', 'what a kWh costs').argParser(number({ least: 0 })).conflicts('priceHour'))
    .addOption(adapterOption())
    .addOption(jsonOption())
    .optionsGroup('Settings of the run to forecast, over those of the preset:');
  for (const option of settingOptions(TrainConfig)) verb.addOption(option);
  verb
    .addHelpText(
      'after',
      examples('dawnlm cost --run runs/moby-dick --grid 380', 'dawnlm cost notes.txt --preset base --price-hour 2'),
    )
    .action(costVerb);
}

async function costVerb(given: string | undefined, flags: CostFlags): Promise<void> {
  const { run, generate, adapter, weights } = flags;
  if (run === undefined) {
    if (generate) throw new UsageError('--generate needs the run that is to generate: give it with --run');
    return forecast(given, flags);
  }
  if (given !== undefined) throw new UsageError(`give a run or a text to forecast, not both: ${run} and ${given}`);
  return generate ? printGeneration({ run, adapter, weights }, flags) : account(run, flags);
}

/** The account that a run has kept. */
async function account(run: string, flags: CostFlags): Promise<void> {
  const { cost } = await readRunCard(run);
  if (!cost) {
    throw new UserError(
      `${run} has no account: it was trained before there were any, or killed before its end. Resume it: accounts are made when a run ends.`,
    );
  }
  const said = consequences(cost.energy, cost.timeMs, flags);
  if (flags.json) return void printJson({ ...cost, ...said.figures });
  print(`${partsTable(cost)}\n${machineLines(cost)}${said.lines}`);
}

function partsTable({ parts, stepsMs = 0 }: Pick<CostCard, 'parts' | 'stepsMs'>): string {
  const timed = parts.some(({ timeMs }) => timeMs !== undefined);
  const rows = parts.map(({ part, operations, bytes: moved, timeMs = 0 }) => [
    ...[part, count(operations), bytes(moved)],
    ...(timed ? [durationInWords(timeMs), percent(timeMs / stepsMs)] : []),
  ]);
  const sum = (of: 'operations' | 'bytes'): number => parts.reduce((total, part) => total + part[of], 0);
  const total = [
    'all',
    count(sum('operations')),
    bytes(sum('bytes')),
    ...(timed ? [durationInWords(stepsMs), ''] : []),
  ];
  return table([['part', 'operations', 'moved', ...(timed ? ['time', 'share'] : [])], ...rows, total]);
}

function machineLines({ tokens, timeMs, stepsMs, roof, utilization }: CostCard): string {
  const speed = stepsMs ? `, ${count((1000 * tokens) / stepsMs)} tokens/s in steps` : '';
  const achieved =
    roof && utilization !== undefined
      ? `achieved: ${operationsASecond(utilization * roof.operationsPerSecond)}, ${percent(utilization)} of the adapter's measured ${operationsASecond(roof.operationsPerSecond)}\n`
      : '';
  return `time: ${durationInWords(timeMs)} for ${count(tokens)} tokens${speed}\n${achieved}`;
}

/** What a run would cost that is not made. */
async function forecast(given: string | undefined, flags: CostFlags): Promise<void> {
  const { preset = DEFAULT_PRESET } = flags;
  const settings = resolveConfig(preset, Object.fromEntries(SETTINGS.map((name) => [name, flags[name]])));
  const corpus = await asTrained(await openCorpus(given ?? corpora[0].name), settings);
  const { engine, adapter } = await openEngine(flags.adapter);
  const startMs = performance.now(); // since the process began, which training needs as well
  const precision = choosePrecision(settings.precision, engine.capabilities);
  engine.precision = precision;
  const config = { ...settings, precision };
  const { card } = await textMaterial(corpus, config);
  const textMs = performance.now() - startMs;
  say(
    `text: ${card.name}, ${count(card.trainTokens)} tokens to train on, vocabulary ${count(card.vocabularySize)}; some steps are taken now`,
  );
  const { vocabularySize: vocabSize, trainTokens, validationTokens } = card;
  const run = await forecastOf(engine, config, { vocabSize, trainTokens, validationTokens });
  const timeMs = startMs + textMs + 1000 * run.seconds;
  const energy = await expectedEnergy(adapter.software, timeMs);
  const work = stepWork(config, vocabSize);
  const parts = PARTS.map((part) => ({
    part,
    operations: config.steps * work[part].operations,
    bytes: config.steps * work[part].bytes,
  }));
  const said = consequences(energy, timeMs, flags);
  const times = { start: startMs / 1000, text: textMs / 1000, ...run.parts };
  const tokens = config.steps * config.batchSize * config.blockSize * config.gradientAccumulation;
  if (flags.json) {
    const { memory } = run.pace;
    return void printJson({
      parts,
      tokens,
      timeMs,
      seconds: times,
      secondsPerStep: run.secondsPerStep,
      memory,
      energy,
      ...said.figures,
    });
  }
  print(`${partsTable({ parts })}\n${forecastLines(run, times, timeMs, tokens, config.steps)}${said.lines}`);
}

function forecastLines(
  { pace, secondsPerStep }: RunForecast,
  times: Record<string, number>,
  timeMs: number,
  tokens: number,
  steps: number,
): string {
  const memory = pace.memory.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const parts = Object.entries(times).map(([name, seconds]) => `${name} ${durationInWords(1000 * seconds)}`);
  return `time: ${durationInWords(timeMs)} for ${count(tokens)} tokens (${parts.join(', ')})
speed: ${count(steps)} steps of ${(1000 * secondsPerStep).toPrecision(3)} ms
memory on the adapter: ${bytes(memory)}
`;
}
