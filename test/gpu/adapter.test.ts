import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { requestDevice, summarize } from '../../src/gpu/adapter.ts';
import { openAdapter } from '../../src/node/drivers.ts';
import { freshDevice } from './devices.ts';

/** An adapter that has only a description. */
const described = (info: Partial<Record<string, string | number | boolean>>, features: string[] = []): GPUAdapter =>
  ({
    info: { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false, ...info },
    features: new Set(features),
  }) as unknown as GPUAdapter;

describe('summarize', () => {
  it.each([
    [{ description: 'llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)' }, true],
    [{ device: 'SwiftShader Device (Subzero)' }, true],
    [{ device: 'Microsoft Basic Render Driver' }, true],
    [{ architecture: 'swiftshader' }, true],
    [{ device: 'unheard of', isFallbackAdapter: true }, true],
    [{ vendor: 'nvidia', architecture: 'ampere', device: 'NVIDIA A100' }, false],
    [{ vendor: 'apple', architecture: 'metal-3' }, false],
  ])('tells software from hardware: %j', (info, software) => {
    expect(summarize(described(info)).software).toBe(software);
  });

  it('takes the best name there is', () => {
    expect(summarize(described({ description: 'a', device: 'b', architecture: 'c' })).name).toBe('a');
    expect(summarize(described({ device: 'b', architecture: 'c' })).name).toBe('b');
    expect(summarize(described({ architecture: 'c' })).name).toBe('c');
    expect(summarize(described({})).name).toBe('unnamed adapter');
  });

  it('knows a subgroup size only where there are subgroups of one size', () => {
    const sizes = (subgroupMinSize: number, subgroupMaxSize: number) => ({ subgroupMinSize, subgroupMaxSize });
    expect(summarize(described(sizes(32, 32), ['subgroups'])).subgroupSize).toBe(32);
    expect(summarize(described(sizes(16, 32), ['subgroups'])).subgroupSize).toBe(0);
    expect(summarize(described(sizes(32, 32))).subgroupSize).toBe(0);
    expect(summarize(described({}, ['subgroups'])).subgroupSize).toBe(0);
  });

  it('describes the adapter of this run', async () => {
    const { adapter, software } = await openAdapter();
    const summary = summarize(adapter);
    expect(summary.software).toBe(software);
    expect(summary.features).toEqual([...summary.features].sort());
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
  });
});

describe('requestDevice', () => {
  it('raises limits and switches on features to what the adapter has', async () => {
    const { adapter } = await openAdapter();
    const offered = { ...summarize(adapter), bytes: adapter.limits.maxBufferSize };
    const bindable = adapter.limits.maxStorageBufferBindingSize;
    const { gpu } = await freshDevice();
    expect(gpu.limits.maxBufferSize).toBe(offered.bytes);
    expect(gpu.limits.maxBufferSize).toBeGreaterThan(2 ** 28); // WebGPU's default
    expect(gpu.limits.maxStorageBufferBindingSize).toBe(bindable);
    for (const feature of ['subgroups', 'shader-f16', 'timestamp-query']) {
      expect(gpu.features.has(feature), feature).toBe(offered.features.includes(feature));
    }
    gpu.destroy();
  });

  it('says which adapter gave no device, and why', async () => {
    const adapter = described({ device: 'Voodoo 2' });
    const refusing = { ...adapter, limits: {}, requestDevice: () => Promise.reject(new Error('too old')) };
    const failure = requestDevice(refusing as unknown as GPUAdapter);
    await expect(failure).rejects.toThrow('The adapter "Voodoo 2" gave no device: too old');
    await expect(failure).rejects.toThrow(UserError);
  });
});
