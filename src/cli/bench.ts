import { appendFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { benchKernels, type KernelFigures } from '../../bench/kernels.ts';
import { UserError } from '../errors.ts';
import { errorCode } from '../node/files.ts';
import { figure } from '../train/format.ts';
import { adapterInWords, openEngine } from './engine.ts';
import { adapterOption, examples, jsonOption } from './options.ts';
import { print, printJson, say, table } from './output.ts';

interface BenchOptions {
  op?: string;
  quick?: boolean;
  save?: string;
  adapter?: string;
  json?: boolean;
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure speed')
    .command('kernels')
    .description('time every op on the shapes of nano and small, naive against best, and its error on small shapes')
    .option('--op <part>', 'only ops with this in their name')
    .option('--quick', "only forward passes of nano's shapes")
    .option('--save <file>', 'also add the figures to a file, a line of JSON each')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm bench kernels --op matmul', 'dawnlm bench kernels --quick --json'))
    .action(benchVerb);
}

async function benchVerb({ save, adapter: choice, json, ...options }: BenchOptions): Promise<void> {
  const { engine, adapter } = await openEngine(choice);
  const rows: KernelFigures[] = [];
  for await (const row of benchKernels(engine, options)) {
    rows.push(row);
    const line = { bench: 'kernels', adapter: adapter.name, software: adapter.software, ...row };
    if (json) printJson(line);
    else say(`${row.op}  ${row.shape}  ${row.pass}: ${figure(row.timeMs)} ms`);
    if (save) await append(save, `${JSON.stringify({ date: new Date().toISOString(), ...line })}\n`);
  }
  if (json) return;
  print(`\n${adapterInWords(adapter)}\n\n${table([HEADINGS, ...rows.map(cells)], 3)}`);
}

const HEADINGS = ['op', 'shape', 'pass', 'naive ms', 'best ms', 'gain', 'GFLOP/s', 'GB/s', 'error'];

function cells(row: KernelFigures): string[] {
  const { op, shape, pass, naiveMs, timeMs, gflopsPerSecond, gigabytesPerSecond, error } = row;
  const rate = (value: number | undefined): string => (value === undefined ? '' : figure(Number(value.toPrecision(3))));
  const times = [naiveMs, timeMs].map((ms) => ms.toFixed(3));
  const gain = `${(naiveMs / timeMs).toFixed(1)}x`;
  return [op, shape, pass, ...times, gain, rate(gflopsPerSecond), rate(gigabytesPerSecond), error.toExponential(0)];
}

async function append(file: string, line: string): Promise<void> {
  try {
    await appendFile(file, line);
  } catch (error) {
    throw new UserError(`${file} cannot be written (${errorCode(error)}). Give --save a file that can.`, {
      cause: error,
    });
  }
}
