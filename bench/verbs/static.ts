import type { Command } from 'commander';
import { print, say, table } from '../../src/cli/terminal/output.ts';
import { bytes } from '../../src/report/format.ts';
import { formatPoint } from '../../src/tensor/tuning/table.ts';
import { type BenchRecord, provenance } from '../record.ts';
import { benchStatic, FAMILIES, judge, type StaticFigures, type StaticVerdict, staticTables } from '../static.ts';
import { keep, percent, type ResultFlags, withSaving } from './results.ts';

interface StaticFlags extends ResultFlags {
  preset: string;
  family: string;
  table?: boolean;
}

export function addStatic(bench: Command): void {
  const verb = bench
    .command('static')
    .description("what Mesa's compiler makes of every kernel for AMD GPUs: registers, spills, occupancy, FMA share")
    .option('--preset <name>', 'whose training and decoding steps are looked at', 'nano')
    .option('--family <names>', "Mesa's names of GPU families, with commas between", FAMILIES.join())
    .option('--table', 'print src/kernels/tables/rdna.ts: points that GPUs should take in place of the preferred ones');
  withSaving(verb, 'dawnlm bench static', 'dawnlm bench static --preset small --family navi31 --json').action(
    staticVerb,
  );
}

async function staticVerb({ preset, family, table: tables, ...flags }: StaticFlags): Promise<void> {
  say("compiling with Mesa's AMD driver: nothing is executed");
  if (tables) return void print(await staticTables(TABLE_PRESETS));
  const figures = await benchStatic(preset, family.split(','));
  await keep(flags, ...figures.map((one) => recordOf(one, preset)));
  if (!flags.json) print(`${table([HEADINGS, ...figures.map(cells)], 3)}\n${judge(figures).map(inWords).join('')}`);
}

/** Whose steps the tables that ship are for. */
const TABLE_PRESETS = ['nano', 'small', 'llama'];

function recordOf({ kernel, family, point, loop, ...details }: StaticFigures, preset: string): BenchRecord {
  const adapter = { name: `${family} (compiled for, not run on)`, software: false, driver: 'Mesa RADV' };
  const figure = { median: loop.share, unit: 'share' as const, spread: [loop.share, loop.share] as const, runs: 1 };
  const what = { kind: 'static' as const, op: kernel, variant: family, point, preset };
  return { ...what, ...figure, details: { ...details, loop }, ...provenance(adapter) };
}

const HEADINGS = ['family', 'kernel', 'point', 'GPUs get', 'VGPRs', 'spills', 'LDS', 'subgroups/SIMD', 'FMA share'];

function cells({ family, kernel, point, precision, preferred, loop, ...rest }: StaticFigures): string[] {
  const { vgprs, spills, ldsBytes, subgroupsPerSimd } = rest;
  const form = `${formatPoint(point).replaceAll('=', ' ')}${precision === 'mixed' ? ' f16' : ''}`.trimStart();
  const counts = [String(vgprs), String(spills), bytes(ldsBytes), String(subgroupsPerSimd)];
  return [family, kernel, form, preferred ? 'yes' : '', ...counts, loop.fmas > 0 ? percent(loop.share) : ''];
}

function inWords({ family, spilling, matmul }: StaticVerdict): string {
  const spills = spilling.length > 0 ? `spills in ${spilling.join(', ')}` : 'no kernel spills';
  const tile = matmul
    ? `best matmul tile ${percent(matmul.loop.share)} multiply-adds with ${matmul.subgroupsPerSimd} subgroups a SIMD`
    : 'no matmul tile with 8 subgroups a SIMD';
  return `${family}: ${spills}; ${tile}\n`;
}
