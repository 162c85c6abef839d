import { type Command, Option } from 'commander';
import { findOps } from '../../src/check/ops.ts';
import { openEngine } from '../../src/cli/engine.ts';
import { adapterOption, examples, number } from '../../src/cli/options.ts';
import { print } from '../../src/cli/terminal/output.ts';
import { UsageError } from '../../src/errors.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { mockEngine, mockOf, type Shader } from '../mockAdapter.ts';
import { describeOp, MOCK_ADAPTERS, opNamed, type WgslChoice, wgslOf } from '../wgsl.ts';

interface WgslFlags extends WgslChoice {
  adapter?: string;
}

export function addWgsl(bench: Command): void {
  bench
    .command('wgsl')
    .description('the WGSL of an op as an adapter gets it; without an op, all ops with their variants and cases')
    .argument('[op]', 'name of an op, such as softmax')
    .option('--case <number>', 'which of its test cases, from 0', number({ least: 0, whole: true }), 0)
    .option('--variant <name>', 'which of its variants (default: the best one)')
    .option('--point <constants>', 'the tuning point of kernels that have it, such as LANES=0 or LANES=0,TM=32')
    .option('--backward', 'also the shaders of the gradients')
    .addOption(new Option('--precision <name>', 'of operands').choices(['float32', 'mixed']).default('float32'))
    .addOption(adapterOption())
    .addHelpText('after', `\nAdapters that need not be there: ${Object.keys(MOCK_ADAPTERS).join(', ')}`)
    .addHelpText(
      'after',
      examples('dawnlm bench wgsl softmax', 'dawnlm bench wgsl matmul --case 2 --adapter rdna --point TM=64'),
    )
    .action(wgslVerb);
}

async function wgslVerb(name: string | undefined, { adapter, ...choice }: WgslFlags): Promise<void> {
  if (name === undefined) return void print([...(await findOps()).values()].map(describeOp).join('\n'));
  const op = await opNamed(name);
  printShaders(wgslOf(await engineFor(adapter), op, choice));
}

async function engineFor(adapter: string | undefined): Promise<Engine> {
  if (adapter !== undefined && Object.hasOwn(MOCK_ADAPTERS, adapter)) return mockEngine(MOCK_ADAPTERS[adapter]);
  try {
    return await mockOf((await openEngine(adapter)).engine);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} Not here, but known: ${Object.keys(MOCK_ADAPTERS).join(', ')}.`);
  }
}

/** Prints shaders, each under its kernel's name. */
export const printShaders = (shaders: readonly Shader[]): boolean =>
  print(shaders.map(({ name, wgsl }) => `// ${name}\n${wgsl}\n`).join('\n'));
