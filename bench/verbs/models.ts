/** `bench train` and `bench sample`: the speed of whole models. */
import { type Command, Option } from 'commander';
import { openEngine } from '../../src/cli/engine.ts';
import { number } from '../../src/cli/options.ts';
import { table } from '../../src/cli/terminal/output.ts';
import type { weightBytes } from '../../src/model/quantized.ts';
import { bytes, count, durationInWords } from '../../src/report/format.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { WEIGHT_FORMATS, type WeightFormat } from '../../src/tensor/operands/packing.ts';
import type { Measurement } from '../record.ts';
import { benchSample } from '../sample.ts';
import { benchTrain, type TrainMeasurement } from '../train.ts';
import { percent, type ResultFlags, Results, range, three, withResults } from './results.ts';

interface ModelFlags extends ResultFlags {
  preset: string;
  seconds: number;
  autotune: boolean;
}

type WeightBytes = ReturnType<typeof weightBytes>;

interface SampleFlags extends ModelFlags {
  weights: WeightFormat[];
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
  verb.addOption(
    new Option('--weights <formats...>', 'how weights are held; of several formats the models take turns')
      .choices(WEIGHT_FORMATS)
      .default(['f32']),
  );
  withOptions(verb, 'dawnlm bench sample', 'dawnlm bench sample --preset small --weights f32 int8 int4').action(
    sampleVerb,
  );
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

async function sampleVerb({ preset, seconds, autotune, weights, ...flags }: SampleFlags): Promise<void> {
  const results = await Results.open(flags);
  const { engine, adapter } = results.opened;
  const rows: string[][] = [];
  const sizes = new Map<WeightFormat, string[]>();
  const openForSmallWork = async (): Promise<Engine> => (await openEngine(flags.adapter, { smallWork: true })).engine;
  const options = { preset, seconds, autotune, weights };
  for (const measurement of await benchSample(engine, adapter, { ...options, openForSmallWork })) {
    await results.take(measurement);
    if (measurement.kind !== 'sample') continue;
    rows.push(cells(measurement));
    const { weights: format, sizeBytes } = measurement.details as { weights: WeightFormat; sizeBytes: WeightBytes };
    sizes.set(format, [format, bytes(sizeBytes.matrices), bytes(sizeBytes.others)]);
  }
  const head = [
    'work',
    'shape',
    'weights',
    'tokens/s',
    'of runs',
    'of roof',
    'weights read',
    'of bandwidth',
    'first run',
  ];
  const sizeHead = ['weights', 'matrices', 'norms, biases, positions'];
  results.show(`${preset}\n${table([sizeHead, ...sizes.values()])}\n${table([head, ...rows], 3)}`);
}

const cells = ({ op, shape = '', median, spread, roofShare, gigabytesPerSecond, details }: Measurement): string[] => [
  ...[op, shape, String(details?.weights), count(median), range(spread), percent(roofShare)],
  ...[
    gigabytesPerSecond === undefined ? '' : `${three(gigabytesPerSecond)} GB/s`,
    percent(details?.bandwidthShare as number | undefined),
  ],
  durationInWords(Number(details?.firstMs)),
];
