import { softmax } from '../../src/kernels/softmax.ts';
import { describeAnchors, goldenCases } from '../helpers/golden.ts';

describeAnchors(softmax, goldenCases('softmax'));
