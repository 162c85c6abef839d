import { Device } from '../../src/gpu/device.ts';
import type { View } from '../../src/gpu/memory.ts';
import type { Access, PipelineSource } from '../../src/gpu/pipeline.ts';
import { waitWithBackOff } from '../../src/node/backOff.ts';
import { openAdapter } from '../../src/node/drivers.ts';

/** A device of one's own, to break; `change` alters the adapter before it is asked for a device. */
export async function freshDevice(change?: (adapter: GPUAdapter) => void): Promise<Device> {
  const { adapter } = await openAdapter();
  change?.(adapter);
  return Device.open(adapter, waitWithBackOff);
}

/** Has `adapter` give devices that `change` has altered. */
export function alterDevices(adapter: GPUAdapter, change: (gpu: GPUDevice) => void): void {
  const request = adapter.requestDevice.bind(adapter);
  const altered = async (descriptor?: GPUDeviceDescriptor) => {
    const gpu = await request(descriptor);
    change(gpu);
    return gpu;
  };
  replace(adapter, 'requestDevice', altered);
}

/** Has the devices of `adapter` make buffers that `change` has altered. */
export const alterBuffers = (adapter: GPUAdapter, change: (buffer: GPUBuffer) => void): void =>
  alterDevices(adapter, (gpu) => {
    const create = gpu.createBuffer.bind(gpu);
    replace(gpu, 'createBuffer', (descriptor: GPUBufferDescriptor) => {
      const buffer = create(descriptor);
      change(buffer);
      return buffer;
    });
  });

/** Replaces a property of an object of Dawn, whose own ones are getters of the prototype. */
export const replace = (object: object, key: string, value: unknown): void => {
  Object.defineProperty(object, key, { value, configurable: true });
};

const shader = (name: string, bindings: PipelineSource['bindings'], body: string): PipelineSource => {
  const modes: Partial<Record<Access, string>> = {
    read: 'storage, read',
    write: 'storage, read_write',
    uniform: 'uniform',
  };
  const declared = bindings.map((access, i) => {
    const type = access === 'uniform' ? 'vec4<f32>' : 'array<f32>';
    return `@group(0) @binding(${i}) var<${modes[access]}> v${i}: ${type};`;
  });
  const main = `@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  ${body}
}`;
  return { name, bindings, wgsl: [...declared, main].join('\n') };
};

/** v0[i] += 1 */
export const INCREMENT = shader('increment', ['write'], 'if (i < arrayLength(&v0)) { v0[i] += 1.0; }');
/** v1[i] = 2 v0[i] */
export const TWICE = shader('twice', ['read', 'write'], 'if (i < arrayLength(&v0)) { v1[i] = 2.0 * v0[i]; }');
/** v0[0] += the first number of the uniform */
export const ADD_UNIFORM = shader('add_uniform', ['write', 'uniform'], 'if (i == 0u) { v0[0] += v1.x; }');
/** Does not compile: the type of the assignment is wrong. */
export const BROKEN = shader('broken', ['write'], 'v0[i] = 1u;');

export const run = (device: Device, source: PipelineSource, ...views: View[]): void =>
  device.dispatch({ source, resources: views, grid: [Math.ceil(views[0].sizeBytes / 256), 1, 1] });

export const upload = (device: Device, ...numbers: number[]): View => {
  const view = device.allocate(4 * numbers.length, 'numbers');
  device.write(view, Float32Array.from(numbers));
  return view;
};

export const download = async (device: Device, view: View): Promise<number[]> => [
  ...new Float32Array(await device.read(view)),
];
