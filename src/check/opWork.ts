/** An op on made-up numbers as work: to be timed, looked at, or tuned for. */
import type { Dispatched, Engine } from '../tensor/engine.ts';
import type { HeldWork } from './measure.ts';
import { apply, findOps, freeAll, makeNumbers, upload } from './ops.ts';
import { type SizeName, type Workload, workloadsOf } from './workloads.ts';

/** The pass as it stands in a recorded step. Inputs of normal numbers get gradients, which nothing has been added to before. */
export function makeWork(engine: Engine, { op, test }: Pick<Workload, 'op' | 'test'>, backward: boolean): HeldWork {
  const attributes = test.attributes ?? {};
  const numbers = makeNumbers(test);
  const inputs = upload(engine, numbers);
  const held = inputs.filter((input) => input !== undefined);
  const free = (): void => freeAll(held);
  if (!backward) return { free, work: () => void engine.withoutGradients(() => apply(op, inputs, attributes)) };
  const shape = op.definition.shape(
    numbers.map((input) => input?.shape),
    attributes,
  );
  const dy = engine.tensor(makeNumbers({ inputs: [shape] })[0]!.data, shape);
  const differentiable = held.filter(({ dtype }) => dtype === 'f32');
  for (const input of differentiable) input.requiresGrad = true;
  held.push(dy);
  const work = (): void => {
    for (const input of differentiable) input.grad = undefined;
    engine.backward(apply(op, inputs, attributes), dy);
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
