import { describe, expect, it, vi } from 'vitest';
import { Engine } from '../../src/tensor/engine.ts';
import { defineKernel, type KernelSpec } from '../../src/tensor/kernel.ts';
import { testEngine } from '../helpers/engine.ts';
import { randomIds } from '../helpers/numbers.ts';

/** The WGSL that a call dispatches; undefined where it dispatches nothing. */
function wgslOf(engine: Engine, call: () => void): string | undefined {
  const spy = vi.spyOn(engine.device, 'dispatch').mockImplementation(() => {});
  try {
    call();
    return spy.mock.calls[0]?.[0].source.wgsl;
  } finally {
    spy.mockRestore();
  }
}

const main = (body: string, size = 1): string => `
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) { ${body} }`;

describe('params', () => {
  const packed = defineKernel({
    name: 'packed',
    bind: { out: 'write u32' },
    params: { a: 'u32', b: 'f32', c: 'f32', d: 'u32', e: 'u32' },
    grid: () => 1,
    wgsl: () =>
      main(`out[0] = params.a; out[1] = bitcast<u32>(params.b); out[2] = bitcast<u32>(params.c);
  out[3] = params.d; out[4] = params.e;`),
  });

  it('arrive in their places and with their types', async () => {
    const engine = await testEngine();
    const out = engine.zeros([5], 'u32');
    packed({ out }, { a: 0xffffffff, b: -0.1, c: 1e30, d: 7, e: 2 ** 31 });
    const words = await out.uints();
    expect([words[0], words[3], words[4]]).toEqual([0xffffffff, 7, 2 ** 31]);
    expect([...new Float32Array(words.buffer).subarray(1, 3)]).toEqual([...Float32Array.of(-0.1, 1e30)]);
  });

  it('are each dispatch its own', async () => {
    const engine = await testEngine();
    const outs = [1, 2, 3].map((a) => {
      const out = engine.zeros([5], 'u32');
      packed({ out }, { a, b: 0, c: 0, d: 0, e: 0 });
      return out;
    });
    expect(await Promise.all(outs.map(async (out) => (await out.uints())[0]))).toEqual([1, 2, 3]);
  });

  it('need not be', async () => {
    const engine = await testEngine();
    const fill = defineKernel({
      name: 'fill',
      bind: { out: 'write' },
      params: {},
      grid: () => 1,
      wgsl: () => main('out[0] = 3.0;'),
    });
    const out = engine.zeros([1]);
    fill({ out }, {});
    expect(await out.floats()).toEqual(Float32Array.of(3));
  });
});

describe('bindings', () => {
  it('have the element types that they are declared with', async () => {
    const engine = await testEngine();
    const typed = defineKernel({
      name: 'typed',
      bind: { x: 'read vec4<f32>', words: 'read u32', counts: 'write atomic<u32>', y: 'write vec4<f32>' },
      params: {},
      grid: () => 3,
      wgsl: () => main('atomicAdd(&counts[0], words[group.x]); if (group.x == 0u) { y[0] = 2.0 * x[1]; }'),
    });
    const x = engine.tensor([1, 2, 3, 4, 5, 6, 7, 8], [8]);
    const counts = engine.zeros([1], 'u32');
    const y = engine.zeros([4]);
    typed({ x, words: engine.tensor(Uint32Array.of(1, 10, 100), [3]), counts, y }, {});
    expect([...(await counts.uints())]).toEqual([111]);
    expect([...(await y.floats())]).toEqual([10, 12, 14, 16]);
  });
});

describe('grids', () => {
  const MOST = 65535;
  const visit = defineKernel({
    name: 'visit',
    bind: { visits: 'write atomic<u32>' },
    params: { N: 'u32', groups: 'u32' },
    grid: ({ groups }) => groups,
    wgsl: () => main('let i = groupIndex(group, groups); if (i < params.N) { atomicAdd(&visits[i], 1u); }'),
  });

  it.each([1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 1])('of %i groups reach every index once', async (N) => {
    const engine = await testEngine();
    const visits = engine.zeros([N + 3], 'u32');
    visit({ visits }, { N, groups: N });
    const counts = await visits.uints();
    expect(counts.subarray(0, N).every((count) => count === 1)).toBe(true);
    expect([...counts.subarray(N)]).toEqual([0, 0, 0]);
  });

  it('of no groups run nothing', async () => {
    const engine = await testEngine();
    const visits = engine.zeros([1], 'u32');
    expect(wgslOf(engine, () => visit({ visits }, { N: 1, groups: 0 }))).toBeUndefined();
    visit({ visits }, { N: 1, groups: 0 });
    expect([...(await visits.uints())]).toEqual([0]);
  });

  it('may have three axes', async () => {
    const engine = await testEngine();
    const axes = defineKernel({
      name: 'axes',
      bind: { visits: 'write u32' },
      params: {},
      grid: () => [2, 3, 4],
      wgsl: () =>
        main('visits[(group.z * groups.y + group.y) * groups.x + group.x] = 100u * group.x + 10u * group.y + group.z;'),
    });
    const visits = engine.zeros([24], 'u32');
    axes({ visits }, {});
    const expected = Array.from(
      { length: 24 },
      (_, i) => 100 * (i % 2) + 10 * (Math.floor(i / 2) % 3) + Math.floor(i / 6),
    );
    expect([...(await visits.uints())]).toEqual(expected);
  });
});

describe('tuning', () => {
  type Point = { A: number; B: number };
  const tuned = (more: Partial<KernelSpec<'out', 'N', Point>> = {}) =>
    defineKernel<'out', 'N', Point>({
      name: 'tuned',
      bind: { out: 'write' },
      params: { N: 'u32' },
      tune: { A: [1, 2], B: [10, 20] },
      grid: () => 1,
      wgsl: ({ A, B }) => main(`out[0] = ${A + B}.0;`),
      ...more,
    });
  const valid = ({ A, B }: Point): boolean => !(A === 1 && B === 10);

  async function pointOf(kernel: ReturnType<typeof tuned>, N = 1): Promise<number> {
    const out = (await testEngine()).zeros([1]);
    kernel({ out }, { N });
    return (await out.floats())[0];
  }

  it('spans all points that are valid, in order', async () => {
    const { capabilities } = await testEngine();
    const all = [10, 20].map((B) => ({ A: 1, B })).concat([10, 20].map((B) => ({ A: 2, B })));
    expect(tuned().points(capabilities)).toEqual(all);
    expect(tuned({ valid }).points(capabilities)).toEqual(all.slice(1));
    expect(defineKernel({ ...tuned().spec, tune: undefined }).points(capabilities)).toEqual([{}]);
  });

  it("takes the engine's point, else the kernel's preference, else the first valid one", async () => {
    const engine = await testEngine();
    const prefer = (_: unknown, { N }: { N: number }): Point => ({ A: 2, B: N > 8 ? 20 : 10 });
    expect(await pointOf(tuned())).toBe(11);
    expect(await pointOf(tuned({ valid }))).toBe(21);
    const preferring = tuned({ valid, prefer });
    expect([await pointOf(preferring), await pointOf(preferring, 9)]).toEqual([12, 22]);
    engine.tuning.set('tuned', { A: 1, B: 20 });
    engine.tuning.set('another', { A: 1, B: 10 });
    try {
      expect([await pointOf(preferring), await pointOf(preferring, 9)]).toEqual([21, 21]);
      expect(await pointOf(tuned({ prefer, fits: ({ B }, { N }) => N * B < 100 }), 9)).toBe(22);
    } finally {
      engine.tuning.clear();
    }
    expect(await pointOf(preferring)).toBe(12);
  });

  it('says when no point runs on an adapter', async () => {
    await expect(pointOf(tuned({ valid: () => false }))).rejects.toThrow(/^kernel tuned: no tuning point runs on /);
  });
});

describe('WGSL', () => {
  const text = (body: string) =>
    defineKernel({ name: 'text', bind: { out: 'write' }, params: {}, grid: () => 1, wgsl: () => main(body) });

  it('switches on subgroups and f16 where a shader uses them, and only there', async () => {
    const engine = await testEngine();
    const out = engine.zeros([1]);
    const headOf = (body: string) =>
      wgslOf(engine, () => text(body)({ out }, {}))!
        .split('@')[0]
        .trim();
    expect(headOf('out[0] = subgroupAdd(1.0);')).toBe('enable subgroups;');
    expect(headOf('out[0] = f32(f16(1.5));')).toBe('enable f16;');
    expect(headOf('out[0] = subgroupAdd(f32(f16(1.5)));')).toBe('enable subgroups;\nenable f16;');
    expect(headOf('out[0] = 1.0;')).toBe('');
  });

  it('runs with them where the adapter has them, and names the kernel where not', async () => {
    const engine = await testEngine();
    const { features } = engine.capabilities;
    const run = (body: string) => {
      const out = engine.zeros([1]);
      text(body)({ out }, {});
      return out.floats();
    };
    for (const [feature, body] of [
      ['subgroups', 'out[0] = subgroupAdd(1.5);'],
      ['shader-f16', 'out[0] = f32(f16(1.5));'],
    ]) {
      if (features.includes(feature)) expect(await run(body), feature).toEqual(Float32Array.of(1.5));
      else await expect(run(body), feature).rejects.toThrow(/^kernel text: WGSL line 1: /);
    }
  });

  it('is written for the capabilities of each engine, whatever its adapter is called', async () => {
    const engine = await testEngine();
    const size = defineKernel({
      name: 'size',
      bind: { out: 'write' },
      params: {},
      grid: () => 1,
      wgsl: (_, { subgroupSize }) => main(`out[0] = ${subgroupSize}.0;`),
    });
    const other = new Engine(engine.device);
    other.capabilities.subgroupSize = 99;
    const outs = [engine.zeros([1]), other.zeros([1])];
    for (const out of outs) size({ out }, {});
    expect([...(await outs[0].floats())]).toEqual([engine.capabilities.subgroupSize]);
    expect([...(await outs[1].floats())]).toEqual([99]);
  });
});

it('an engine tells of each dispatch', async () => {
  const engine = await testEngine();
  const kernel = defineKernel({
    name: 'told',
    bind: { ids: 'write u32' },
    params: { N: 'u32' },
    grid: ({ N }) => N,
    wgsl: () => main('ids[group.x] += 1u;'),
  });
  const ids = engine.tensor(randomIds([4], 9, 1), [4]);
  const told: unknown[] = [];
  engine.onDispatch = (one, tensors, params) => told.push([one, tensors, params]);
  try {
    kernel({ ids }, { N: 4 });
    kernel({ ids }, { N: 0 });
  } finally {
    engine.onDispatch = undefined;
  }
  expect(told).toEqual([[kernel, { ids }, { N: 4 }]]);
});
