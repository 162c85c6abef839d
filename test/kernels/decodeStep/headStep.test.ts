import { expect, it } from 'vitest';
import { compare } from '../../../src/check/ops.ts';
import { headStep } from '../../../src/kernels/decodeStep/headStep.ts';
import { testEngine } from '../../helpers/engine.ts';

it('scores vocabularies up to the widest texture, padded or not, and past it', async () => {
  const engine = await testEngine();
  const { textureSide } = engine.capabilities;
  // a texel holds four scores; rows of a multiple of 32 texels are padded, which the widest have no room for
  const texels = [textureSide - 32, textureSide - 1, textureSide, textureSide + 1];
  for (const V of texels.map((width) => 4 * width)) {
    const { error, tolerance } = await compare(engine, headStep as never, [
      { parts: [1, 1, 4], normWeight: [4], head: [V, 4] },
      { norm: 'rms', eps: 1e-5 },
    ]);
    expect(error, `${V} tokens`).toBeLessThanOrEqual(tolerance);
  }
});
