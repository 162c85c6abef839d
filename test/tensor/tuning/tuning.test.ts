import { describe, expect, it } from 'vitest';
import { defineKernel, type Kernel } from '../../../src/tensor/kernel.ts';
import { challenge, type Stopwatch } from '../../../src/tensor/tuning/challenge.ts';
import { sizeClasses } from '../../../src/tensor/tuning/choose.ts';
import { tableOf, tune, tuningTasks } from '../../../src/tensor/tuning/measure.ts';
import {
  entryName,
  formatChoice,
  formatPoint,
  hashOf,
  type Point,
  parseChoice,
  parsePoint,
  sizeClass,
  Tuning,
} from '../../../src/tensor/tuning/table.ts';
import { testEngine } from '../../helpers/engine.ts';

/** What a point costs in a world whose clock only these costs move. */
interface Cost {
  compileMs?: number;
  /** Of each run; the last one repeats. */
  runs: number[];
  /** Of the first look, where that is not as the first run. */
  lookMs?: number;
  fails?: boolean;
  wrong?: boolean;
}

/** Points X = 0, 1, ... with these costs. */
function world(costs: readonly Cost[]) {
  let clock = 0;
  const runs: number[] = [];
  const taken = costs.map(() => 0);
  const points = costs.map((_, X): Point => ({ X }));
  const spend = (ms: number): number => {
    clock += ms;
    return ms;
  };
  const stopwatch: Stopwatch = {
    first: async ({ X }) => {
      const { fails, compileMs = 0, runs, lookMs = runs[0] } = costs[X];
      return fails ? undefined : { compiledMs: spend(compileMs), runMs: lookMs };
    },
    again: async ({ X }) => {
      runs.push(X);
      return spend(costs[X].runs[Math.min(taken[X]++, costs[X].runs.length - 1)]);
    },
    agree: async (_, { X }) => !costs[X].wrong,
  };
  const limits = { deadline: Number.POSITIVE_INFINITY, compileMs: 1000, now: () => clock };
  return { stopwatch, points, limits, runs };
}

async function choose(costs: readonly Cost[], more: { deadline?: number; signal?: AbortSignal } = {}) {
  const { stopwatch, points, limits, runs } = world(costs);
  const verdict = await challenge(points[0], costs[0].runs[0], points.slice(1), stopwatch, { ...limits, ...more });
  return { ...verdict, chosen: verdict.chosen.X, runs };
}

describe('a challenge', () => {
  it('is won by what is more than 5% faster', async () => {
    expect(await choose([{ runs: [10] }, { runs: [9.6] }])).toMatchObject({ chosen: 0, gain: 1, ended: 'all tried' });
    const { chosen, gain } = await choose([{ runs: [10] }, { runs: [8] }, { runs: [7.8] }, { runs: [4] }]);
    expect(chosen).toBe(3);
    expect(gain).toBeCloseTo(10 / 4, 12);
  });

  it('goes by medians, so that single slow runs decide nothing', async () => {
    const hiccup = [10, 100, 10, 100, 10];
    expect((await choose([{ runs: hiccup }, { runs: [12] }])).chosen).toBe(0);
    expect((await choose([{ runs: [10] }, { runs: [8, 8, 80, 8, 8] }])).chosen).toBe(1);
  });

  it('is not won by what loses more than one round', async () => {
    expect((await choose([{ runs: [10] }, { runs: [8, 12, 8, 12, 8] }])).chosen).toBe(0);
  });

  it('is fought in turns, and given up after a hopeless round', async () => {
    expect((await choose([{ runs: [10] }, { runs: [9] }])).runs).toEqual([0, 1, 1, 0, 0, 1, 1, 0, 0, 1]);
    expect((await choose([{ runs: [10] }, { runs: [16, 1] }])).runs).toEqual([0, 1]);
    expect((await choose([{ runs: [10] }, { runs: [1], lookMs: 31 }, { runs: [9], lookMs: 29 }])).runs).not.toContain(
      1,
    );
  });

  it('ends when time is up, or somebody says so', async () => {
    const costs = [{ runs: [10] }, { runs: [9.9], compileMs: 50 }, { runs: [1] }];
    expect(await choose(costs, { deadline: 100 })).toMatchObject({ chosen: 0, tried: 1, ended: 'time is up' });
    expect(await choose(costs, { deadline: 200 })).toMatchObject({ chosen: 2, tried: 2, ended: 'all tried' });
    expect(await choose(costs, { deadline: 0 })).toMatchObject({ tried: 0, runs: [] });
    expect(await choose(costs, { signal: AbortSignal.abort() })).toMatchObject({ tried: 0 });
  });

  it('ends at a point that takes long to compile, which is not taken', async () => {
    const costs = [{ runs: [10] }, { runs: [1], compileMs: 1001 }, { runs: [2] }];
    expect(await choose(costs)).toMatchObject({ chosen: 0, tried: 1, ended: 'slow to compile', runs: [] });
  });

  it('passes over points that fail, and those with other results', async () => {
    expect((await choose([{ runs: [10] }, { runs: [1], fails: true }, { runs: [5] }])).chosen).toBe(2);
    expect((await choose([{ runs: [10] }, { runs: [1], wrong: true }])).chosen).toBe(0);
  });
});

describe('shape classes', () => {
  it('hold sizes to within a factor of two, up to those that fill any adapter', () => {
    expect([0, 1, 2, 3, 4, 7, 8, 1000, 16384, 1e6].map(sizeClass)).toEqual([0, 1, 2, 2, 4, 4, 8, 512, 16384, 16384]);
    expect(sizeClasses({ R: 'u32', eps: 'f32', add: 'u32' }, { R: 100, eps: 1e-5, add: 0 })).toBe('R=64 add=0');
    expect(entryName('rows', '')).toBe('rows');
  });
});

describe('a point', () => {
  it('survives being put into words', () => {
    const point = { LANES: 1, IMAGE: 0, HALF: 0.5 };
    expect(formatPoint(point)).toBe('LANES=1 IMAGE=0 HALF=0.5');
    expect(parsePoint(formatPoint(point))).toEqual(point);
    const choice = { point, shaders: hashOf('a shader') };
    expect(formatChoice(choice)).toMatch(/^LANES=1 IMAGE=0 HALF=0\.5 #[0-9a-f]{8}$/);
    expect(parseChoice(formatChoice(choice))).toEqual(choice);
    expect(parseChoice(formatPoint(point))).toEqual({ point });
  });

  it('is hashed as FNV-1a has it', () => {
    expect([hashOf(''), hashOf('a'), hashOf('foobar')]).toEqual(['811c9dc5', 'e40c292c', 'bf9cf968']);
  });
});

describe('tables', () => {
  it('are asked in order, after what was set by name', () => {
    const tuning = new Tuning();
    const point = (X: number): Point => ({ X, Y: 0 });
    tuning.use({ 'a N=1': 'X=1 Y=0' }, { 'a N=1': 'X=2 Y=0', 'a N=2': 'X=3 Y=0' });
    const ask = (shapeClass: string) => tuning.measured(() => `a ${shapeClass}`);
    expect([ask('N=1'), ask('N=2'), ask('N=4'), ask('constructor')]).toEqual([
      { point: point(1) },
      { point: point(3) },
      undefined,
      undefined,
    ]);
    expect(tuning.table).toEqual({ 'a N=1': 'X=1 Y=0', 'a N=2': 'X=3 Y=0' });
    tuning.set('a', point(9));
    expect(tuning.forced('a')).toEqual(point(9));
    tuning.clear();
    expect(tuning.forced('a')).toBeUndefined();
    tuning.use();
    expect([ask('N=1'), tuning.table]).toEqual([undefined, {}]);
  });
});

/** A kernel that adds X to the id-th value, as `work` times as much work as it needs. */
const BIND = { ids: 'read u32', x: 'read', y: 'write' } as const;
const adder = (name: string, more: object = {}): Kernel<typeof BIND, 'N' | 'flag', { X: number }> =>
  defineKernel<typeof BIND, 'N' | 'flag', { X: number }>({
    name,
    bind: BIND,
    params: { N: 'u32', flag: 'u32' },
    tune: { X: [1, 2, 3] },
    grid: ({ N }) => N,
    wgsl: ({ X }) => /* wgsl */ `
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) { y[group.x] = x[ids[group.x]] + ${X}.0; }`,
    ...more,
  });

describe('a kernel', () => {
  async function dispatched(kernel: ReturnType<typeof adder>, N: number): Promise<number> {
    const engine = await testEngine();
    const y = engine.zeros([N]);
    kernel({ ids: engine.zeros([N], 'u32'), x: engine.zeros([N]), y }, { N, flag: 0 });
    return (await y.floats())[0];
  }

  it('takes the measured point of its shape class, where it still has it and it fits', async () => {
    const engine = await testEngine();
    const plain = adder('adder');
    const table = (words: string) => ({ 'adder N=4 flag=0': words });
    try {
      engine.tuning.use(table('X=2'));
      expect([await dispatched(plain, 5), await dispatched(plain, 8)]).toEqual([2, 1]);
      const preferring = adder('adder', { prefer: () => ({ X: 3 }), fits: ({ X }: Point) => X !== 2 });
      expect(await dispatched(preferring, 5)).toBe(3);
      expect(await dispatched(adder('adder', { shapeClass: () => 'all', tune: { X: [3, 1] } }), 5)).toBe(3);
      for (const stale of ['X=4', '', 'X=2 Y=1', 'Y=2', 'X', 'X=2=3 X=', 'nonsense']) {
        engine.tuning.use(table(stale));
        expect(await dispatched(plain, 5), stale).toBe(1);
      }
      engine.tuning.set('adder', { X: 3 });
      expect(await dispatched(plain, 5)).toBe(3);
    } finally {
      engine.tuning.use();
      engine.tuning.clear();
    }
  });
});

describe('a measured choice', () => {
  const wgslOf =
    (twice: string) =>
    ({ X }: Point) =>
      /* wgsl */ `
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) { y[group.x] = ${twice} (x[ids[group.x]] + ${X}.0); }`;

  it('holds as long as the shaders are those that it was made among', async () => {
    const engine = await testEngine();
    const params = { N: 4, flag: 0 };
    const before = adder('changing', { wgsl: wgslOf('') });
    const tensors = { ids: engine.zeros([4], 'u32'), x: engine.zeros([4]), y: engine.zeros([4]) };
    const dispatches = engine.observe(() => before(tensors, params));
    const found = await tune(engine, tuningTasks(dispatches), { budgetMs: 1000 });
    const table = tableOf(found);
    expect(Object.values(table)[0]).toMatch(/^X=[123] #[0-9a-f]{8}$/);
    try {
      engine.tuning.use({ 'changing N=4 flag=0': Object.values(table)[0].replace(/X=./, 'X=2') });
      const point = (kernel: typeof before) => kernel.choices(tensors, params).measured;
      expect(point(before)).toEqual({ X: 2 });
      expect(point(adder('changing', { wgsl: wgslOf('') }))).toEqual({ X: 2 }); // the same words
      expect(point(adder('changing', { wgsl: wgslOf('2.0 *') }))).toBeUndefined();
      expect(point(adder('changing', { wgsl: wgslOf(''), tune: { X: [1, 2] } }))).toBeUndefined();
    } finally {
      engine.tuning.use();
    }
  });
});

describe('tuning', () => {
  /** Ids that stay in range, live values that must survive, and a kernel whose three points do the same work. */
  async function scene(name: string, wgslOf = (_: Point) => 'y[i] = x[ids[i]] + y[i];') {
    const engine = await testEngine();
    const wgsl = (point: Point) => /* wgsl */ `
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) { let i = group.x; ${wgslOf(point)} }`;
    const kernel = adder(name, { wgsl });
    const tensors = {
      ids: engine.tensor(Uint32Array.of(2, 0, 1), [3]),
      x: engine.tensor([1, 2, 3], [3]),
      y: engine.tensor([10, 20, 30], [3]),
    };
    const work = () => kernel(tensors, { N: 3, flag: 0 });
    return { engine, kernel, tensors, work };
  }

  it('finds what a recording dispatches, once a class, unless a table knows it', async () => {
    const { engine, kernel, tensors, work } = await scene('classes');
    const seen = engine.observe(() =>
      engine.record(() => {
        work();
        work();
        kernel(tensors, { N: 1, flag: 0 });
        adder('no_choice', { tune: { X: [1] } })(tensors, { N: 3, flag: 0 });
        return {};
      }),
    );
    const tasks = tuningTasks(seen);
    expect(tasks.map(({ entry, count }) => [entry, count])).toEqual([
      ['classes N=2 flag=0', 2],
      ['classes N=1 flag=0', 1],
    ]);
    expect(tasks[0].points).toEqual([{ X: 1 }, { X: 2 }, { X: 3 }]);
    const spread = adder('spread', { tune: { X: [1, 2], Y: [1, 2] }, prefer: () => ({ X: 2, Y: 2 }) });
    const [{ points }] = tuningTasks(engine.observe(() => spread(tensors, { N: 3, flag: 0 })));
    expect(points.map(({ X, Y }) => [X, Y])).toEqual([
      [2, 2],
      [1, 2],
      [2, 1],
      [1, 1],
    ]); // the nearest first
    try {
      engine.tuning.use({ 'classes N=2 flag=0': 'X=2' });
      expect(tuningTasks(seen).map(({ entry }) => entry)).toEqual(['classes N=1 flag=0']);
      expect(tuningTasks(seen, true)).toHaveLength(2);
    } finally {
      engine.tuning.use();
    }
  });

  it('leaves out kernels whose index buffers have no contents yet, but not those that wait for a single flag', async () => {
    const { engine, kernel, tensors } = await scene('ids_to_come');
    const inside = { ...tensors };
    const observed = (size: number, N: number) =>
      engine.observe(() =>
        engine.record(() => {
          inside.ids = engine.empty([size], 'u32');
          kernel(inside, { N, flag: 0 });
          return {};
        }),
      );
    const [many, one] = [observed(3, 3), observed(1, 1)];
    expect([many[0].known.has(inside.ids), many[0].known.has(tensors.x)]).toEqual([false, true]);
    expect(tuningTasks(many)).toEqual([]);
    expect(await tune(engine, tuningTasks(one), { budgetMs: 10_000 })).toHaveLength(1);
  });

  it('tries the points on scratch memory, keeps within the classes and frees what it took', async () => {
    const { engine, tensors, work } = await scene('scratch');
    const tasks = tuningTasks(engine.observe(work));
    const live = await tensors.y.floats();
    const { pool } = engine.device;
    await tune(engine, tasks, { budgetMs: 10_000 });
    const created = pool.created;
    const found = await tune(engine, tasks, { budgetMs: 10_000 });
    expect(pool.created).toBe(created);
    expect(await tensors.y.floats()).toEqual(live);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ entry: 'scratch N=2 flag=0', preferred: { X: 1 }, points: 3, tried: 2 });
    expect(tableOf(found)).toEqual({ 'scratch N=2 flag=0': `X=${found[0].chosen.X} #${found[0].shaders}` });
    expect(engine.tuning.forced('scratch')).toBeUndefined();
  });

  it('tries nothing without time', async () => {
    const { engine, work } = await scene('no_time');
    expect(await tune(engine, tuningTasks(engine.observe(work)), { budgetMs: 0 })).toEqual([]);
  });

  it('passes over points that do not compile, and takes none with other results, however fast', async () => {
    const slow = 'var sum = 0.0; for (var k = 0u; k < 20000u * params.N; k++) { sum += x[ids[i] * min(k, 1u)]; } ';
    const wgslOf = ({ X }: Point) => ['', `${slow} y[i] = min(sum, 1.0);`, 'y[i] = 2.0;', 'nonsense'][X];
    const { engine, work } = await scene('wrong', wgslOf);
    const [found] = await tune(engine, tuningTasks(engine.observe(work)), { budgetMs: 60_000 });
    expect(found).toMatchObject({ chosen: { X: 1 }, gain: 1, tried: 2, ended: 'all tried' });
  });
});
