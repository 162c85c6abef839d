import { matmul } from '../src/kernels/matmul.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { interleaved } from './measure.ts';
import { makeNumbers, upload } from './ops.ts';

const SIDE = 512;

/** Billion floating-point operations a second of a product of two 512 x 512 matrices. */
export async function matmulSpeed(engine: Engine): Promise<number> {
  const side = [SIDE, SIDE];
  const [a, b] = upload(engine, makeNumbers({ inputs: [side, side] }));
  const [timeMs] = await interleaved(engine, [
    () => void engine.withoutGradients(() => matmul(a!, b!, undefined, undefined, {})),
  ]);
  return (2 * SIDE ** 3) / timeMs / 1e6;
}

/** Elements of the copied tensor: 64 MiB, more than caches hold. */
const COPIED = 1 << 24;

/** Billion bytes a second of a copy from buffer to buffer, read and written. */
export async function copySpeed(engine: Engine): Promise<number> {
  const [from, to] = [engine.zeros([COPIED]), engine.zeros([COPIED])];
  const [timeMs] = await interleaved(engine, [() => engine.device.copy(from.view, to.view)]);
  return (2 * from.view.sizeBytes) / timeMs / 1e6;
}
