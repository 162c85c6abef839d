/** Reads what Mesa's AMD driver prints of a compiled shader: statistics, and the machine code as assembly. */

/** What the driver says of a shader, and what its densest loop is made of. */
export interface ShaderStatistics {
  /** Vector and scalar registers that a subgroup's lanes hold. */
  vgprs: number;
  sgprs: number;
  /** Registers that did not fit and live in memory. */
  spills: number;
  /** Workgroup memory, as the hardware hands it out. */
  ldsBytes: number;
  /** Subgroups that a SIMD can hold at once, to hide waiting. */
  subgroupsPerSimd: number;
  instructions: number;
  codeBytes: number;
  /** Of the loop with the largest share of multiply-adds; 0 of 0 where there is no loop. */
  loop: { instructions: number; fmas: number; share: number };
}

/** Marks in the output where a shader's part begins. */
export const SHADER_MARK = '@@SHADER ';

/** What follows says why a shader did not compile. */
export const FAILURE_MARK = '@@FAILED ';

/** The parts of the output by the mark's text. What stands before the first mark belongs to no shader. */
export function splitByShader(output: string): Map<string, string> {
  const parts = output.split(SHADER_MARK).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')).trim(), part]));
}

/** The statistics in a shader's part; undefined where the driver printed none, because it did not compile. */
export function parseShader(part: string): ShaderStatistics | undefined {
  const figures = new Map(
    [...part.matchAll(/^([A-Z][\w -]+): (\d+)\s*$/gm)].map(([, name, value]) => [name.trim(), Number(value)]),
  );
  const figure = (name: string): number => figures.get(name) ?? 0;
  if (!figures.has('VGPRs')) return undefined;
  return {
    vgprs: figure('VGPRs'),
    sgprs: figure('SGPRs'),
    spills: figure('Spilled VGPRs') + figure('Spilled SGPRs'),
    ldsBytes: figure('LDS size'),
    subgroupsPerSimd: figure('Subgroups per SIMD'),
    instructions: figure('Instructions'),
    codeBytes: figure('Code size'),
    loop: densestLoop(part),
  };
}

interface Instruction {
  op: string;
  operands: string;
}

/** Multiply-adds of an instruction: RDNA 3 issues two at once as v_dual, packed ones work on two halves. */
function fmasOf({ op, operands }: Instruction): number {
  if (op.startsWith('v_dual')) return (op + operands).match(/fma/g)?.length ?? 0;
  return /^v_(pk_)?(fma|fmac|mac|mad)_?.*f(32|16)|^v_fma(ak|mk)/.test(op) ? 1 : 0;
}

/** Assembly as a list of instructions, and where its labels stand in it. */
function readAssembly(part: string): { code: Instruction[]; labels: Map<string, number> } {
  const code: Instruction[] = [];
  const labels = new Map<string, number>();
  for (const line of part.split('\n')) {
    const label = line.match(/^\s*(BB\d+):/);
    if (label) labels.set(label[1], code.length);
    const instruction = !label && line.match(/^\t(\S+)(.*?)(?:;|$)/);
    if (instruction) code.push({ op: instruction[1], operands: instruction[2] });
  }
  return { code, labels };
}

/** A loop is what a backward branch jumps over. */
function densestLoop(part: string): ShaderStatistics['loop'] {
  const { code, labels } = readAssembly(part);
  let best = { instructions: 0, fmas: 0, share: 0 };
  code.forEach(({ op, operands }, end) => {
    const target = /^s_c?branch/.test(op) ? operands.match(/BB\d+/)?.[0] : undefined;
    const start = target === undefined ? undefined : labels.get(target);
    if (start === undefined || start > end) return;
    const instructions = end + 1 - start;
    const fmas = code.slice(start, end + 1).reduce((sum, instruction) => sum + fmasOf(instruction), 0);
    const share = fmas / instructions;
    if (share > best.share || (share === best.share && fmas > best.fmas)) best = { instructions, fmas, share };
  });
  return best;
}
