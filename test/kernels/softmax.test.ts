import { softmax } from '../../src/kernels/softmax.ts';
import { describeAnchors, goldenCases } from '../helpers/golden.ts';

describeAnchors(
  softmax,
  goldenCases('softmax').map(({ inputs: { x }, gradients, ...rest }) => ({
    ...rest,
    inputs: [x],
    gradients: [gradients.x],
  })),
);
