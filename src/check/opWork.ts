/** An op on made-up numbers as work: to be timed, looked at, or tuned for. */
import type { Engine } from '../tensor/engine.ts';
import type { Dispatched } from '../tensor/kernel.ts';
import type { HeldWork } from './measure.ts';
import { findOps, freeAll, makeNumbers, shapesOf, upload } from './ops.ts';
import { type SizeName, type Workload, workloadsOf } from './workloads.ts';

/** The pass as it stands in a recorded step. Inputs of normal numbers get gradients, which nothing has been added to before. */
export function makeWork(
  engine: Engine,
  { op, case: test }: Pick<Workload, 'op' | 'case'>,
  backward: boolean,
): HeldWork {
  const [, attributes = {}] = test;
  const inputs = upload(engine, makeNumbers(test));
  const held = Object.values(inputs);
  const free = (): void => freeAll(held);
  if (!backward) return { free, work: () => void engine.withoutGradients(() => op(inputs, attributes)) };
  const shape = op.definition.shape(shapesOf(test), attributes);
  const dy = engine.tensor(makeNumbers([{ dy: shape }]).dy.data, shape);
  const differentiable = held.filter(({ dtype }) => dtype === 'f32');
  for (const input of differentiable) input.requiresGrad = true;
  held.push(dy);
  const work = (): void => {
    for (const input of differentiable) input.grad = undefined;
    engine.backward(op(inputs, attributes), dy);
  };
  return { free, work };
}

/** What every op dispatches, forward and backward, on the shapes of these presets: for tuning those that no model uses. */
export async function opDispatches(engine: Engine, sizes: readonly SizeName[]): Promise<Dispatched[]> {
  const workloads = [...(await findOps()).values()].flatMap((op) => workloadsOf(op, sizes));
  return workloads.flatMap((workload) => {
    const { work } = makeWork(engine, workload, workload.op.definition.backward !== undefined);
    return engine.observe(() => engine.device.capture(work));
  });
}
