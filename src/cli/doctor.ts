import type { Command } from 'commander';
import { selfTest } from '../check/selfTest.ts';
import { copySpeed, matmulSpeed } from '../check/speed.ts';
import { type AdapterFound, listAdapters } from '../node/drivers.ts';
import { cacheFolder } from '../node/files.ts';
import { bytes, count } from '../report/format.ts';
import type { Engine } from '../tensor/engine.ts';
import { openEngine } from './engine.ts';
import { adapterOption, examples, jsonOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';

/** Limits that models meet. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const;

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what this machine offers: adapters, features, limits, a self-test of every kernel, speed')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm doctor', 'dawnlm doctor --adapter lavapipe --json'))
    .action(doctor);
}

async function doctor({ adapter: choice, json }: { adapter?: string; json?: boolean }): Promise<void> {
  const tell = (type: string, facts: object, words: string): boolean =>
    json ? printJson({ type, ...facts }) : print(`${words}\n`);
  const machine = { node: process.version, platform: process.platform, arch: process.arch };
  tell('machine', machine, `Node ${machine.node} on ${machine.platform} ${machine.arch}`);
  const adapters = await listAdapters();
  tell(
    'adapters',
    { adapters },
    `\nAdapters, in the order in which they are taken\n${table(adapters.map(adapterRow), 3)}`,
  );
  const { engine, adapter } = await openEngine(choice);
  tellDevice(engine, tell);
  const failures = await testKernels(engine, tell);
  await measure(engine, adapter.software, tell);
  const caches = { cache: cacheFolder(), shaders: process.env.MESA_SHADER_CACHE_DIR ?? null };
  tell('caches', caches, `\nCaches: ${caches.cache}; compiled shaders: ${caches.shaders ?? "the driver's own"}`);
  if (failures > 0) process.exitCode = 1;
}

type Tell = (type: string, facts: object, words: string) => boolean;

const adapterRow = ({ choice, description, how }: AdapterFound): string[] =>
  description ? [choice, 'found', `${description}, from ${how}`] : [choice, 'absent', `to have it: ${how}`];

function tellDevice(engine: Engine, tell: Tell): void {
  const { name, software, features, subgroupSize } = engine.capabilities;
  const limits = Object.fromEntries(LIMITS.map((limit) => [limit, engine.device.gpu.limits[limit]]));
  const inWords = LIMITS.map((limit) => [
    limit,
    limit.endsWith('Workgroup') ? count(limits[limit]) : bytes(limits[limit]),
  ]);
  const lanes = subgroupSize > 0 ? `${subgroupSize} lanes a subgroup` : 'no subgroups of one size';
  const words = `Chosen: ${name}${software ? ' (software)' : ''}, ${lanes}\nFeatures: ${features.join(', ')}\n${table(inWords)}`;
  tell('device', { name, software, subgroupSize, features, limits }, words);
}

/** Returns how many ops failed. */
async function testKernels(engine: Engine, tell: Tell): Promise<number> {
  say('testing every kernel (the first time takes longer: shaders are compiled)');
  let passed = 0;
  const failed: string[] = [];
  for await (const verdict of selfTest(engine)) {
    if (verdict.passed) passed++;
    else failed.push(verdict.op);
    const words = verdict.passed ? `  ${verdict.op}: right` : `  ${verdict.op}: WRONG, ${verdict.failure}`;
    tell('op', verdict, words);
  }
  tell('selfTest', { passed, failed }, `Self-test: ${passed} ops right, ${failed.length} wrong`);
  return failed.length;
}

async function measure(engine: Engine, software: boolean, tell: Tell): Promise<void> {
  const gflopsPerSecond = await matmulSpeed(engine);
  const gigabytesPerSecond = await copySpeed(engine);
  const words = `\nSpeed${software ? ' (of the CPU that plays the GPU)' : ''}: matmul of 512 x 512 x 512 ${gflopsPerSecond.toFixed(1)} GFLOP/s, copy ${gigabytesPerSecond.toFixed(1)} GB/s (read and written)`;
  tell('speed', { gflopsPerSecond, gigabytesPerSecond }, words);
}
