import { matmul } from '../kernels/matmul/matmul.ts';
import type { Engine } from '../tensor/engine.ts';
import { type HeldWork, interleaved, type Work } from './measure.ts';
import { freeAll, makeNumbers, upload } from './ops.ts';

/** Work with the operations that it does, or the bytes that it moves. */
export interface Amount {
  work: Work;
  amount: number;
}

/** A product of two square matrices. */
export function squareMatmul(engine: Engine, side = 512): Amount {
  const shape = [side, side];
  const { a, b } = upload(engine, makeNumbers([{ a: shape, b: shape }]));
  const work = () => void engine.withoutGradients(() => matmul({ a, b }, {}));
  return { work, amount: 2 * side ** 3 };
}

/** Elements of the copied tensor: 64 MiB, more than caches hold. */
const COPIED = 1 << 24;

/** A copy of `size` numbers from buffer to buffer; bytes read and bytes written count. */
export function bufferCopy(engine: Engine, size = COPIED): Amount & HeldWork {
  const [from, to] = [engine.zeros([size]), engine.zeros([size])];
  return {
    work: () => engine.device.copy(from.view, to.view),
    amount: 2 * from.view.sizeBytes,
    free: () => freeAll([from, to]),
  };
}

const billionsASecond = async (engine: Engine, { work, amount }: Amount): Promise<number> => {
  const [{ median }] = await interleaved(engine, [work]);
  return amount / median / 1e6;
};

/** Billion floating-point operations a second of a product of two 512 x 512 matrices. */
export const matmulSpeed = (engine: Engine): Promise<number> => billionsASecond(engine, squareMatmul(engine));

/** Billion bytes a second of a copy from buffer to buffer, read and written. */
export const copySpeed = (engine: Engine): Promise<number> => billionsASecond(engine, bufferCopy(engine));
