import { UserError } from '../../errors.ts';
import { format, type Shape } from '../../tensor/shape.ts';

/** The heads that a packed tensor (B, T, (H + 2 KV) * D) holds: H of queries, then KV of keys, then KV of values. */
export interface Heads {
  /** Query heads, H. */
  nHead: number;
  /** Key heads, and value heads, KV; divides `nHead`. Query head h goes with key head floor(h / (nHead / nKvHead)). */
  nKvHead: number;
}

/** Sizes of a packed tensor; `op` begins the errors. @throws UserError when the heads do not fit. */
export function packedSizes(op: string, shape: Shape, { nHead: H, nKvHead: KV }: Heads) {
  if (shape.length !== 3) throw new UserError(`${op}: qkv must be (B, T, (H + 2 KV) * D), got ${format(shape)}`);
  if (!(H > 0 && KV > 0 && H % KV === 0)) throw new UserError(`${op}: ${KV} key heads do not divide ${H} query heads`);
  const [B, T, width] = shape;
  const D = width / (H + 2 * KV);
  if (!Number.isInteger(D)) {
    throw new UserError(`${op}: qkv ${format(shape)} does not split into ${H} + 2 * ${KV} heads of one width`);
  }
  return { B, T, H, KV, D };
}
