import type { BlockForward, Style } from './layers.ts';
import { GPT2 } from './parameters.ts';

/** A block of GPT-2 (Radford et al., 2019): attention, then an MLP with GELU, each behind a layer norm and added to the stream. */
const forward: BlockForward = (x, { attentionNorm, qkv, projection, mlpNorm, up, down }, pass) => {
  const packed = qkv.forward(attentionNorm.forward(x), pass); //                         (B, T, 3 C)
  x = pass.add(x, projection, pass.attend(packed)); //                                   (B, T, C)
  const hidden = up.forward(mlpNorm.forward(x), pass, { gelu: true }); //                (B, T, nHidden)
  return pass.add(x, down, hidden); //                                                   (B, T, C)
};

/** Learned positions, layer norm, GELU; linear layers as y = x W + b. */
export const gpt2: Style = {
  forward,
  norm: 'layer',
  ...{ rotary: false, grouped: false, gated: false, biased: true, transposed: false, sequential: true },
  names: GPT2,
};
