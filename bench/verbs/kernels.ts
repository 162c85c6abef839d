import type { Command } from 'commander';
import { table } from '../../src/cli/terminal/output.ts';
import { benchKernels, type KernelMeasurement } from '../kernels.ts';
import { percent, type ResultFlags, Results, range, three, withResults } from './results.ts';

interface KernelFlags extends ResultFlags {
  op?: string;
  preset?: string[];
  quick?: boolean;
}

export function addKernels(bench: Command): void {
  const verb = bench
    .command('kernels')
    .description("time every variant of every op, its share of the adapter's roof, and its error on small shapes")
    .option('--op <part>', 'only ops with this in their name')
    .option('--preset <names...>', 'whose shapes are timed (default: nano small)')
    .option('--quick', "only forward passes, and only nano's shapes unless others are named");
  withResults(verb, 'dawnlm bench kernels --op matmul', 'dawnlm bench kernels --quick --json').action(kernelsVerb);
}

async function kernelsVerb({ op, quick, preset, ...flags }: KernelFlags): Promise<void> {
  const results = await Results.open(flags);
  const rows: string[][] = [];
  const presets = preset ?? (quick ? ['nano'] : ['nano', 'small']);
  for await (const measurement of benchKernels(results.opened.engine, { op, quick, presets })) {
    await results.take(measurement);
    if (measurement.kind === 'kernel') rows.push(cells(measurement as KernelMeasurement));
  }
  results.show(table([HEADINGS, ...rows], 4));
}

const HEADINGS = ['op', 'variant', 'preset', 'shape', 'ms', 'of runs', 'gain', 'GFLOP/s', 'GB/s', 'of roof', 'error'];

function cells(row: KernelMeasurement): string[] {
  const { op, variant = '', preset = '', shape = '', median, spread, details, error = Number.NaN } = row;
  const rates = [three(row.gflopsPerSecond), three(row.gigabytesPerSecond), percent(row.roofShare)];
  const gain = `${details.gain.toFixed(1)}x`;
  return [op, variant, preset, shape, median.toFixed(3), range(spread), gain, ...rates, error.toExponential(0)];
}
