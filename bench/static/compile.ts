/**
 * Run as a process of its own by radv.ts, whose environment selects the driver: compiles every shader of a JSON file. The
 * driver writes what it makes of them to standard error; this marks there which shader it is.
 */
import { readFileSync, writeSync } from 'node:fs';
import { requestDevice } from '../../src/gpu/adapter.ts';
import { openAdapter } from '../../src/node/drivers.ts';
import type { Shader } from '../mockAdapter.ts';
import { FAILURE_MARK, SHADER_MARK } from './parse.ts';

const mark = (text: string): number => writeSync(2, `\n${text}\n`);

async function compile(gpu: GPUDevice, { name, wgsl, entries }: Shader): Promise<void> {
  gpu.pushErrorScope('validation');
  const layout = gpu.createPipelineLayout({ bindGroupLayouts: [gpu.createBindGroupLayout({ entries })] });
  const module = gpu.createShaderModule({ code: wgsl, label: name });
  gpu.createComputePipeline({ layout, compute: { module, entryPoint: 'main' } });
  const error = await gpu.popErrorScope();
  if (error) mark(FAILURE_MARK + error.message);
}

const shaders = JSON.parse(readFileSync(process.argv[3], 'utf8')) as Shader[];
const { adapter } = await openAdapter('auto');
const gpu = await requestDevice(adapter);
for (const [i, shader] of shaders.entries()) {
  mark(SHADER_MARK + i);
  await compile(gpu, shader);
}
process.exit(0); // Dawn's handles would keep the process alive
