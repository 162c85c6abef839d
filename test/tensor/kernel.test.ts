import { describe, expect, it, vi } from 'vitest';
import { Engine } from '../../src/tensor/engine.ts';
import { defineKernel, type KernelSpec } from '../../src/tensor/kernel.ts';
import type { Extension } from '../../src/tensor/shader.ts';
import { defineStruct } from '../../src/tensor/struct.ts';
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

describe('bindings that may be absent', () => {
  const sum = defineKernel({
    name: 'sum_of_two',
    bind: { a: 'read', b: 'read?', out: 'write' },
    params: {},
    grid: () => 1,
    wgsl: (_, { has }) => main(`out[0] = a[0]${has.b ? ' + b[0]' : ''};`),
  });

  it('are not declared where nothing is given', async () => {
    const engine = await testEngine();
    const [a, b, out] = [engine.tensor([1], [1]), engine.tensor([2], [1]), engine.zeros([1])];
    sum({ a, out }, {});
    expect([...(await out.floats())]).toEqual([1]);
    sum({ a, b, out }, {});
    expect([...(await out.floats())]).toEqual([3]);
    expect(wgslOf(engine, () => sum({ a, b: undefined, out }, {}))).not.toMatch(/\bb\b/);
  });
});

describe('vectors and constants', () => {
  const double = defineKernel({
    name: 'double',
    bind: { x: 'read T', out: 'write T' },
    params: { N: 'u32', times: 'u32' },
    lengths: ['N'],
    constants: ({ times }) => ({ times }),
    grid: ({ N }) => N,
    wgsl: (_, { constants: { times } }) => main(`if (group.x < params.N) { out[group.x] = ${times}.0 * x[group.x]; }`),
  });

  it.each([3, 8])('serve %i elements', async (N) => {
    const engine = await testEngine();
    const [x, out] = [
      engine.tensor(
        Float32Array.from({ length: N }, (_, i) => i),
        [N],
      ),
      engine.zeros([N]),
    ];
    double({ x, out }, { N, times: 5 });
    expect([...(await out.floats())]).toEqual(Array.from({ length: N }, (_, i) => 5 * i));
    const wgsl = wgslOf(engine, () => double({ x, out }, { N, times: 5 }))!;
    expect(wgsl).toContain(N % 4 ? 'alias T = f32;' : 'alias T = vec4<f32>;');
  });
});

describe('structs', () => {
  const PAIR = defineStruct('Pair', { first: 'f32', second: 'f32' });
  const difference = defineKernel({
    name: 'difference',
    bind: { pair: { access: 'read', struct: PAIR }, out: 'write' },
    params: {},
    grid: () => 1,
    wgsl: () => main('out[0] = pair.first - pair.second;'),
  });

  it('are declared once, for the host and for shaders', async () => {
    const engine = await testEngine();
    const pair = engine.tensor(PAIR.floats({ second: 3, first: 10 }), [PAIR.size]);
    const out = engine.zeros([1]);
    difference({ pair, out }, {});
    expect([...(await out.floats())]).toEqual([7]);
    expect([PAIR.size, PAIR.at('second')]).toEqual([2, 1]);
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
  const tuned = (more: Partial<KernelSpec<{ out: 'write' }, 'N', Point>> = {}) =>
    defineKernel<{ out: 'write' }, 'N', Point>({
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
  const text = (body: string, ...extensions: Extension[]) =>
    defineKernel({
      ...{ name: 'text', bind: { out: 'write' }, params: {}, grid: () => 1, wgsl: () => main(body) },
      enable: () => extensions,
    });

  it('switches on the extensions that a kernel declares, and f16 where it reads operands of that', async () => {
    const engine = await testEngine();
    const out = engine.zeros([1]);
    const headOf = (...extensions: Extension[]) =>
      wgslOf(engine, () => text('out[0] = 1.0;', ...extensions)({ out }, {}))!
        .split('@')[0]
        .trim();
    expect(headOf('subgroups')).toBe('enable subgroups;');
    expect(headOf('subgroups', 'f16')).toBe('enable subgroups;\nenable f16;');
    expect(headOf()).toBe('');
    const operand = defineKernel({
      ...{ name: 'operand', bind: { x: 'operand', out: 'write' }, params: {}, grid: () => 1 },
      wgsl: () => main('out[0] = f32(x[0]);'),
    });
    const headOfOperand = () => wgslOf(engine, () => operand({ x: engine.zeros([4]), out }, {}))!.split('\n')[0];
    expect(headOfOperand()).toBe('alias Operand = f32;');
  });

  it('runs with them where the adapter has them, and names the kernel where not', async () => {
    const engine = await testEngine();
    const { features } = engine.capabilities;
    const run = (body: string, extension: Extension) => {
      const out = engine.zeros([1]);
      text(body, extension)({ out }, {});
      return out.floats();
    };
    for (const [feature, extension, body] of [
      ['subgroups', 'subgroups', 'out[0] = subgroupAdd(1.5);'],
      ['shader-f16', 'f16', 'out[0] = f32(f16(1.5));'],
    ] as const) {
      if (features.includes(feature)) expect(await run(body, extension), feature).toEqual(Float32Array.of(1.5));
      else await expect(run(body, extension), feature).rejects.toThrow(/^kernel text: WGSL line 1: /);
    }
  });

  it('is written for the capabilities of each engine, whatever its adapter is called', async () => {
    const engine = await testEngine();
    const size = defineKernel({
      name: 'size',
      bind: { out: 'write' },
      params: {},
      grid: () => 1,
      wgsl: (_, { adapter: { subgroupSize } }) => main(`out[0] = ${subgroupSize}.0;`),
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
  const told = engine.observe(() => {
    kernel({ ids }, { N: 4 });
    kernel({ ids }, { N: 0 });
  });
  expect(told).toEqual([{ kernel, tensors: { ids }, params: { N: 4 }, known: new Set([ids]) }]);
});
