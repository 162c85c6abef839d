import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeGguf } from '../../src/export/gguf.ts';
import { encodeOnnx } from '../../src/export/onnx.ts';
import { torchPrograms } from '../../src/export/torch/torch.ts';
import type { Style } from '../../src/model/layers.ts';
import { STYLES } from '../../src/model/styles.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { GPT2, weightsOf } from './exported.ts';

/** GPT-J's: attention and MLP side by side, in tensors of GPT-2's names and shapes. */
const styles = STYLES as Record<string, Style>;
beforeAll(() => {
  styles.parallel = { ...STYLES.gpt2, sequential: false };
});
afterAll(() => {
  delete styles.parallel;
});

const config = { ...GPT2, style: 'parallel' };

it.each([
  ['gguf', () => encodeGguf(config, weightsOf(config))],
  ['onnx', () => encodeOnnx(config, weightsOf(config))],
  ['torch', () => torchPrograms(config, resolveConfig('nano'))],
])('%s takes no style for another', async (format, encode) => {
  await expect((async () => encode())()).rejects.toThrow(
    `${format} has no models of the parallel style, only of gpt2 and llama`,
  );
});
