import type { Command } from 'commander';
import { say, table } from '../../src/cli/terminal/output.ts';
import { UsageError } from '../../src/errors.ts';
import {
  benchLadder,
  findLadders,
  type Ladder,
  ladderOf,
  parseShape,
  type RungMeasurement,
  rungsOf,
} from '../ladder.ts';
import { mockOf } from '../mockAdapter.ts';
import { measureRoof } from '../roof.ts';
import { wgslOf } from '../wgsl.ts';
import { percent, type ResultFlags, Results, three, withResults } from './results.ts';
import { printShaders } from './wgsl.ts';

interface LadderFlags extends ResultFlags {
  shape?: string;
  show?: string;
}

export function addLadder(bench: Command): void {
  const verb = bench
    .command('ladder')
    .description('an op from its plainest kernel to its best: what each idea brings')
    .argument('[op]', 'matmul, attention, softmax, or another op that has a ladder (default: all)')
    .option('--shape <sizes>', 'of one op, by its axes: MxNxK of matmul, BxHxTxD of attention, RxC of softmax')
    .option('--show <rung>', "print the WGSL of an op's rung in place of timing");
  const examples = ['dawnlm bench ladder matmul --shape 256x256x1024', 'dawnlm bench ladder matmul --show tile64'];
  withResults(verb, ...examples).action(ladderVerb);
}

async function ladderVerb(name: string | undefined, { shape, show, ...flags }: LadderFlags): Promise<void> {
  if (name === undefined && (shape ?? show) !== undefined) {
    throw new UsageError('--shape and --show need the op that they are for: dawnlm bench ladder matmul --show naive');
  }
  const ladders = name === undefined ? [...(await findLadders()).values()] : [await ladderOf(name)];
  const chosen = shape === undefined ? undefined : parseShape(ladders[0], shape);
  const results = await Results.open(flags);
  const { engine } = results.opened;
  const shapeOf = ({ climb: { shapes } }: Ladder): readonly number[] =>
    chosen ?? (engine.capabilities.software ? shapes.software : shapes.gpu);
  if (show !== undefined) {
    const [{ op, climb }] = ladders;
    const test = climb.workload(shapeOf(ladders[0])).case;
    return void printShaders(wgslOf(await mockOf(engine), op, { variant: show, case: test }));
  }
  const roof = await measureRoof(engine);
  for (const measurement of roof.measurements) await results.take(measurement);
  const climbed: RungMeasurement[][] = [];
  for (const ladder of ladders) {
    const rungs = await benchLadder(engine, ladder, shapeOf(ladder), roof);
    for (const rung of rungs) await results.take(rung);
    for (const { name, missing } of rungsOf(ladder, engine)) if (missing) say(`${name} is left out: ${missing}.`);
    climbed.push(rungs);
  }
  results.show(climbed.map(ladderInWords).join('\n'));
}

function ladderInWords(rungs: readonly RungMeasurement[]): string {
  const [{ op, shape, gflopsPerSecond }] = rungs;
  const unit = gflopsPerSecond === undefined ? 'GB/s' : 'GFLOP/s';
  const headings = ['rung', 'ms', unit, 'of roof', 'gain', 'in all', 'error'];
  const ideas = rungs.map(({ variant, details }) => `  ${variant}: ${details.idea}\n`).join('');
  return `${op} (${shape})\n${table([headings, ...rungs.map(cells)])}${ideas}`;
}

function cells({ variant = '', median, details, error = Number.NaN, roofShare, ...rates }: RungMeasurement): string[] {
  const gains = [details.gain, details.gainOverFirst].map((gain) => `${three(gain)}x`);
  const rate = three(rates.gflopsPerSecond ?? rates.gigabytesPerSecond);
  return [variant, median.toFixed(3), rate, percent(roofShare), ...gains, error.toExponential(0)];
}
