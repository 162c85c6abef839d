import type { Command } from 'commander';
import { examples, jsonOption } from '../../src/cli/options.ts';
import { print, printJson, say, table } from '../../src/cli/terminal/output.ts';
import { bytes } from '../../src/report/format.ts';
import { appendRecords, type Measurement, provenance } from '../record.ts';
import { benchStatic, FAMILIES, judge, type StaticFigures, type StaticVerdict, staticTables } from '../static.ts';
import { percent, type ResultFlags, savedTo, saveOption } from './results.ts';

interface StaticFlags extends ResultFlags {
  preset: string;
  family: string;
  table?: boolean;
}

export function addStatic(bench: Command): void {
  bench
    .command('static')
    .description(
      "registers, spills, occupancy and FMA share of every kernel on AMD GPUs: from Mesa's compiler, no GPU needed",
    )
    .option('--preset <name>', 'whose training and decoding steps are looked at', 'nano')
    .option('--family <names>', "Mesa's names of GPU families, with commas between", FAMILIES.join())
    .option(
      '--table',
      'print the points that GPUs should take in place of the preferred ones: src/kernels/tables/rdna.ts',
    )
    .addOption(saveOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm bench static', 'dawnlm bench static --preset small --family navi31 --json'))
    .action(staticVerb);
}

async function staticVerb({ preset, family, table: tables, json, ...flags }: StaticFlags): Promise<void> {
  say("compiling with Mesa's AMD driver: nothing is executed");
  if (tables) {
    print(await staticTables(TABLE_PRESETS));
    return;
  }
  const figures = await benchStatic(preset, family.split(','));
  const records = figures.map((one) => ({ ...measurementOf(one, preset), ...provenance(adapterOf(one)) }));
  const file = savedTo(flags);
  if (file) await appendRecords(file, records);
  if (json) for (const record of records) printJson(record);
  else print(`${table([HEADINGS, ...figures.map(cells)], 3)}\n${judge(figures).map(verdictInWords).join('')}`);
}

/** Whose steps the tables that ship are for. */
const TABLE_PRESETS = ['nano', 'small', 'llama'];

const adapterOf = ({ family }: StaticFigures) => ({
  name: `${family} (compiled for, not run on)`,
  software: false,
  driver: 'Mesa RADV',
});

function measurementOf({ kernel, family, point, loop, ...details }: StaticFigures, preset: string): Measurement {
  const figure = { median: loop.share, unit: 'share' as const, spread: [loop.share, loop.share] as const, runs: 1 };
  return { kind: 'static', op: kernel, variant: family, point, preset, ...figure, details: { ...details, loop } };
}

const HEADINGS = ['family', 'kernel', 'point', 'GPUs get', 'VGPRs', 'spills', 'LDS', 'subgroups/SIMD', 'FMA share'];

function cells({ family, kernel, point, precision, preferred, loop, ...rest }: StaticFigures) {
  const { vgprs, spills, ldsBytes, subgroupsPerSimd } = rest;
  const words = Object.entries(point).map(([name, value]) => `${name} ${value}`);
  const counts = [vgprs, spills].map(String);
  const share = loop.fmas > 0 ? percent(loop.share) : '';
  return [
    family,
    kernel,
    [...words, ...(precision === 'mixed' ? ['f16'] : [])].join(' '),
    preferred ? 'yes' : '',
    ...counts,
    bytes(ldsBytes),
    String(subgroupsPerSimd),
    share,
  ];
}

function verdictInWords({ family, spilling, matmul }: StaticVerdict): string {
  const spills = spilling.length > 0 ? `spills in ${spilling.join(', ')}` : 'no kernel spills';
  const tile = matmul
    ? `best matmul tile ${percent(matmul.loop.share)} multiply-adds with ${matmul.subgroupsPerSimd} subgroups a SIMD`
    : 'no matmul tile with 8 subgroups a SIMD';
  return `${family}: ${spills}; ${tile}\n`;
}
