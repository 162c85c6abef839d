import type {
  BenchRecord,
  ClaimMeasurement,
  ClaimRecord,
  Measurement,
  PeerRecord,
  Provenance,
} from '../../bench/record.ts';

const origin: Provenance = {
  adapter: { name: 'llvmpipe <Mesa>', software: true, driver: 'Mesa 25' },
  machine: { cpu: 'A CPU', cores: 2, node: 'v20.0.0', os: 'Linux 6 x64' },
  commit: { hash: 'a'.repeat(40), dirty: false },
  date: '2025-11-23T12:00:00.000Z',
};

/** A record of a matmul that took 2 ms, with changes. */
export const record = (changes: Partial<Measurement & Provenance> = {}): BenchRecord => ({
  ...{ kind: 'kernel', op: 'matmul', variant: 'best, forward', shape: '(3, 4) (4, 5)', preset: 'nano' },
  ...{ median: 2, unit: 'ms', spread: [1.9, 2.1], runs: 5, gflopsPerSecond: 20, roofShare: 0.4, error: 1e-7 },
  ...{ details: { pass: 'forward', gain: 10, best: true, intensity: 12 } },
  ...origin,
  ...changes,
});

export const peerRecord = (peer: string, value: number | null): PeerRecord => ({
  ...{ kind: 'peer', peer, work: 'train nano', value, unit: 'tokens/s' },
  ...origin,
});

export const claimRecord = (changes: Partial<ClaimMeasurement> = {}): ClaimRecord => ({
  ...{ kind: 'claim', row: 'train <nano>', against: 'jax-js-wasm', value: 1.4, unit: 'x', spread: [1.3, 1.6], runs: 3 },
  ...{ must: 1.5, met: false, aimMet: null },
  ...changes,
  ...origin,
});

const step = {
  ...{
    batchSize: 12,
    blockSize: 64,
    parameters: 800_000,
    stepMs: 80,
    stepsInGroup: 4,
    firstStepMs: 900,
    autotuneMs: 0,
  },
  ...{ javaScriptShare: 0.02, dispatches: 115, memoryBytes: 46e6 },
  kernels: [
    { name: 'matmul', timeMs: 60, dispatches: 39, share: 0.75 },
    { name: 'adamw', timeMs: 0.4, dispatches: 1, share: 0.005 },
  ],
};
const shader = {
  vgprs: 104,
  spills: 3,
  ldsBytes: 8704,
  subgroupsPerSimd: 8,
  loop: { share: 0.88, fmas: 88, instructions: 100 },
};
const rung = (name: string, place: number, median: number): BenchRecord =>
  record({
    kind: 'ladder',
    variant: name,
    median,
    details: { idea: `${name} & why`, rung: place, gain: 2, gainOverFirst: 4 },
  });

/** Some records of every kind. */
export const records = [
  record({
    kind: 'roof',
    op: 'FMA loop',
    median: 50,
    unit: 'GFLOP/s',
    variant: undefined,
    shape: undefined,
    preset: undefined,
  }),
  record({
    kind: 'roof',
    op: 'copy',
    median: 10,
    unit: 'GB/s',
    variant: undefined,
    shape: undefined,
    preset: undefined,
  }),
  record({ variant: 'naive, forward', median: 20, details: { pass: 'forward', gain: 1, best: false } }),
  record(),
  record({
    op: 'softmax',
    gflopsPerSecond: undefined,
    gigabytesPerSecond: 4,
    details: { pass: 'forward', gain: 10, best: true, intensity: 0.6 },
  }),
  rung('image', 1, 1),
  rung('naive', 0, 4),
  record({ kind: 'train', op: 'training', median: 9000, unit: 'tokens/s', details: step }),
  record({ kind: 'sample', op: 'decode', shape: '1 stream', median: 700, unit: 'tokens/s', details: { firstMs: 300 } }),
  record({
    kind: 'static',
    op: 'matmul',
    variant: 'navi21',
    point: { TM: 64 },
    median: 0.88,
    unit: 'share',
    details: shader,
  }),
  claimRecord(),
  claimRecord({
    row: 'JavaScript',
    against: undefined,
    value: 0.04,
    unit: 'share',
    must: 0.05,
    atMost: true,
    met: true,
  }),
  claimRecord({ row: 'decode nano', against: 'llama.cpp', value: null, met: null, note: 'absent' }),
  peerRecord('dawnlm', 9000),
  peerRecord('PyTorch', 9500),
  peerRecord('llm.c', null),
];
