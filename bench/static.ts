/** What would a GPU make of the kernels? Registers, spills, occupancy and density, from a driver that compiles without a GPU. */

import { opDispatches } from '../src/check/opWork.ts';
import { VOCABULARY } from '../src/check/workloads.ts';
import { NO_FILTERS } from '../src/kernels/sampling/settings.ts';
import { Generator } from '../src/model/generate.ts';
import { GPT } from '../src/model/gpt.ts';
import type { Precision } from '../src/tensor/capabilities.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { TuningTable } from '../src/tensor/tuning/table.ts';
import { modelConfig, resolveConfig } from '../src/train/config.ts';
import { Trainer } from '../src/train/trainer.ts';
import { type Candidate, candidatesOf, gpuTraits, mockEngine, usesOf } from './mockAdapter.ts';
import type { ShaderStatistics } from './static/parse.ts';
import { compileFor } from './static/radv.ts';
import { staticTable } from './static/table.ts';

/** Two generations of AMD's RDNA: RX 6800 and RX 7900. */
export const FAMILIES = ['navi21', 'navi31'] as const;

/** A kernel's shader at a tuning point of a GPU. */
export interface StaticCandidate extends Pick<Candidate, 'shader' | 'point'> {
  /** Mixed only where that makes another shader. */
  precision: Precision;
  /** Whether GPUs get this point unless a measurement knows better. */
  preferred: boolean;
}

export interface StaticFigures extends ShaderStatistics, Omit<StaticCandidate, 'shader'> {
  kernel: string;
  family: string;
}

/** Subgroup sizes of the GPUs that kernels are written for: AMD's driver chooses, NVIDIA's and Apple's are fixed. */
const SUBGROUPS = [
  [32, 64],
  [32, 32],
] as const;

/**
 * Compiles every kernel of a preset's training and decoding steps, and every op (of presets with other head widths, and those that
 * no preset uses), in both precisions and at every tuning point of a GPU, for each family.
 * @throws UserError when gcc, the driver or a loader is missing, for an unknown family or a kernel that does not compile
 */
export async function benchStatic(preset: string, families: readonly string[]): Promise<StaticFigures[]> {
  const candidates = await shadersFor(preset);
  const shaders = candidates.map(({ shader }) => shader);
  const figures: StaticFigures[] = [];
  for (const family of families) {
    const statistics = await compileFor(family, shaders);
    candidates.forEach(({ shader, ...rest }, i) => {
      figures.push({ kernel: shader.name, family, ...rest, ...statistics[i] });
    });
  }
  return figures;
}

/** Those shaders, each once, sorted by kernel. */
export async function shadersFor(preset: string): Promise<StaticCandidate[]> {
  const byWgsl = new Map<string, StaticCandidate>();
  for (const [least, most] of SUBGROUPS) {
    const engine = await mockEngine(gpuTraits(least, most));
    engine.precision = 'mixed'; // dispatches what float32 does, and what makes f16 of operands
    const uses = await usesOf(engine, () => runEverything(engine, preset));
    for (const precision of ['float32', 'mixed'] as const) {
      engine.precision = precision;
      for (const [i, { shader, point }] of uses.flatMap((use) => [...candidatesOf(engine, use).entries()])) {
        const before = byWgsl.get(shader.wgsl) ?? { shader, point, precision, preferred: false };
        byWgsl.set(shader.wgsl, { ...before, preferred: before.preferred || i === 0 });
      }
    }
  }
  return [...byWgsl.values()].sort((a, b) => (a.shader.name < b.shader.name ? -1 : 1));
}

/** Dawn's names of the families' architectures. */
const ARCHITECTURES: Readonly<Record<(typeof FAMILIES)[number], string>> = { navi21: 'rdna-2', navi31: 'rdna-3' };

/** The tables of AMD's architectures for the steps of presets: what src/kernels/tables/rdna.ts holds, as TypeScript. */
export async function staticTables(presets: readonly string[]): Promise<string> {
  const run = async (engine: Engine): Promise<void> => {
    for (const preset of presets) await runModel(engine, preset);
  };
  const tables: Record<string, TuningTable> = {};
  for (const family of FAMILIES) tables[ARCHITECTURES[family]] = await staticTable(family, run);
  return `export const rdna: Readonly<Record<string, TuningTable>> = ${JSON.stringify(tables, undefined, 2)};\n`;
}

/** A preset's steps, and every op. */
async function runEverything(engine: Engine, preset: string): Promise<void> {
  await runModel(engine, preset);
  await opDispatches(engine, ['nano', 'small']);
}

/** A step of training, a prompt and a step of decoding. */
async function runModel(engine: Engine, preset: string): Promise<void> {
  const config = resolveConfig(preset);
  const model = new GPT(engine, modelConfig(config, VOCABULARY));
  const generator = new Generator(model);
  const settings = { ...NO_FILTERS, topK: 40, topP: 0.9, tokens: 2, seed: 1 };
  for await (const _ of generator.generate([[1, 2, 3]], settings));
  new Trainer(model, config).rehearse();
}

/** What the report must show: nothing spilled, and a matmul tile that is dense and leaves room for other subgroups. */
export interface StaticVerdict {
  family: string;
  /** Kernels that spill at a point that GPUs may get: by themselves, or from a measurement. */
  spilling: string[];
  /** The densest matmul in f32 that leaves room for 8 subgroups a SIMD. */
  matmul: StaticFigures | undefined;
}

/** Judges the figures of each family. */
export function judge(figures: readonly StaticFigures[]): StaticVerdict[] {
  return [...new Set(figures.map(({ family }) => family))].map((family) => {
    const own = figures.filter((one) => one.family === family);
    const spilling = own.filter(({ spills }) => spills > 0).map(({ kernel }) => kernel);
    const tiles = own.filter(
      ({ kernel, precision, subgroupsPerSimd }) =>
        kernel.startsWith('matmul') && precision === 'float32' && subgroupsPerSimd >= 8,
    );
    const matmul = tiles.sort((a, b) => b.loop.share - a.loop.share).at(0);
    return { family, spilling: [...new Set(spilling)], matmul };
  });
}
