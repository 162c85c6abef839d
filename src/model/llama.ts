import { swiglu } from '../kernels/swiglu.ts';
import type { BlockForward, Style } from './layers.ts';
import { LLAMA } from './parameters.ts';

/** A block of Llama (Touvron et al., 2023): RMS norms, rotary positions, grouped queries, SwiGLU. */
const forward: BlockForward = (x, { attentionNorm, qkv, projection, mlpNorm, up, down }, pass) => {
  const packed = pass.rotate(qkv.forward(attentionNorm.forward(x), pass)); //            (B, T, (H + 2 K) D)
  x = pass.add(x, projection, pass.attend(packed)); //                                   (B, T, C)
  const gateUp = up.forward(mlpNorm.forward(x), pass); //                                (B, T, 2 nHidden)
  return pass.add(
    x,
    down,
    pass.of('MLP', gateUp, () => swiglu({ gateUp })),
  ); //                                       (B, T, C)
};

/** Rotary positions, RMS norm, SwiGLU, grouped-query attention; linear layers as y = x W^T, without biases. */
export const llama: Style = {
  forward,
  norm: 'rms',
  ...{ rotary: true, grouped: true, gated: true, biased: false, transposed: true, sequential: true },
  names: LLAMA,
};
