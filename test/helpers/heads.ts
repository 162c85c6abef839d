import type { Numbers } from '../../src/tensor/op.ts';

/** Heads (B, H, T, D) of several tensors side by side: (B, T, sum of H * D). */
export function pack(...parts: Numbers[]): Numbers {
  const [B, , T, D] = parts[0].shape;
  const data: number[] = [];
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T; t++)
      for (const { shape, data: x } of parts)
        for (let h = 0; h < shape[1]; h++)
          for (let d = 0; d < D; d++) data.push(x[((b * shape[1] + h) * T + t) * D + d]);
  return { shape: [B, T, data.length / B / T], data };
}
