/** `bench train` and `bench sample`: the speed of whole models. */
import { type Command, Option } from 'commander';
import { openEngine } from '../../src/cli/engine.ts';
import { number } from '../../src/cli/options.ts';
import { table } from '../../src/cli/terminal/output.ts';
import { bytes, count, durationInWords } from '../../src/report/format.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import type { Measurement } from '../record.ts';
import { benchSample } from '../sample.ts';
import { benchTrain, type TrainMeasurement } from '../train.ts';
import { percent, type ResultFlags, Results, range, three, withResults } from './results.ts';

interface ModelFlags extends ResultFlags {
  preset: string;
  seconds: number;
  autotune: boolean;
}

export function addTrainSpeed(bench: Command): void {
  const verb = bench
    .command('train')
    .description('tokens a second of training, where its time goes, and how much of the roof it reaches');
  withOptions(verb, 'dawnlm bench train --preset small', 'dawnlm bench train --json --save').action(trainVerb);
}

export function addSampleSpeed(bench: Command): void {
  const verb = bench
    .command('sample')
    .description('tokens a second of decoding (1, 8 and 32 streams), of a prompt, and of forward passes');
  withOptions(verb, 'dawnlm bench sample', 'dawnlm bench sample --preset small --seconds 30').action(sampleVerb);
}

function withOptions(verb: Command, ...lines: string[]): Command {
  verb
    .option('--preset <name>', 'whose model and batch', 'nano')
    .option('--seconds <n>', 'about how long the measured runs take', number({ least: 0 }), 5)
    .addOption(new Option('--no-autotune', 'take the kernels as they are'));
  return withResults(verb, ...lines);
}

async function trainVerb({ preset, seconds, autotune, ...flags }: ModelFlags): Promise<void> {
  const results = await Results.open(flags);
  const { engine, adapter } = results.opened;
  for (const measurement of await benchTrain(engine, adapter, { preset, seconds, autotune })) {
    await results.take(measurement);
    if (measurement.kind === 'train') results.show(trainingInWords(measurement as TrainMeasurement));
  }
}

function trainingInWords({ preset, shape, details, ...figures }: TrainMeasurement): string {
  const { median, spread, runs, gflopsPerSecond, roofShare } = figures;
  const steps = `${details.stepsInGroup} ${details.stepsInGroup === 1 ? 'step' : 'steps'}`;
  const facts = [
    ['tokens a second', `${count(median)} (${range(spread)} in ${runs} runs of ${steps})`],
    ['a step', `${three(details.stepMs)} ms, ${details.dispatches} dispatches`],
    ['model FLOPs', `${three(gflopsPerSecond)} GFLOP/s, ${percent(roofShare)} of the measured roof`],
    ["JavaScript's share", percent(details.javaScriptShare)],
    ['memory', bytes(details.memoryBytes)],
    ['first step', `${durationInWords(details.firstStepMs)}, tuning before it ${durationInWords(details.autotuneMs)}`],
  ];
  const kernels = details.kernels.map(({ name, share, timeMs, dispatches }) => [
    ...[name, percent(share), three(timeMs), String(dispatches)],
  ]);
  const times = kernels.length > 0 ? `\n${table([['kernel', 'share', 'ms a step', 'dispatches'], ...kernels])}` : '';
  return `training ${preset}, ${shape}, ${count(details.parameters)} parameters\n${table(facts, 2)}${times}`;
}

async function sampleVerb({ preset, seconds, autotune, ...flags }: ModelFlags): Promise<void> {
  const results = await Results.open(flags);
  const { engine, adapter } = results.opened;
  const rows: string[][] = [];
  const openForSmallWork = async (): Promise<Engine> => (await openEngine(flags.adapter, { smallWork: true })).engine;
  for (const measurement of await benchSample(engine, adapter, { preset, seconds, autotune, openForSmallWork })) {
    await results.take(measurement);
    if (measurement.kind === 'sample') rows.push(cells(measurement));
  }
  results.show(`${preset}\n${table([['work', 'shape', 'tokens/s', 'of runs', 'of roof', 'first run'], ...rows], 2)}`);
}

const cells = ({ op, shape = '', median, spread, roofShare, details }: Measurement): string[] => [
  ...[op, shape, count(median), range(spread), percent(roofShare)],
  durationInWords(Number(details?.firstMs)),
];
