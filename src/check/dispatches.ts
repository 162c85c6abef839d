import type { Engine } from '../tensor/engine.ts';
import type { Dispatched } from '../tensor/kernel.ts';
import { type AnyOp, findOps, makeNumbers, upload } from './ops.ts';
import { type SizeName, type Workload, workloadsOf } from './workloads.ts';

/** What every op dispatches, forward and backward, on the shapes of these presets: for tuning those that no model uses. */
export async function opDispatches(engine: Engine, sizes: readonly SizeName[]): Promise<Dispatched[]> {
  const ops = [...(await findOps()).values()];
  return ops.flatMap((op) => workloadsOf(op, sizes).flatMap((workload) => dispatchesOf(engine, op, workload)));
}

function dispatchesOf(engine: Engine, op: AnyOp, { case: test }: Workload): Dispatched[] {
  const inputs = upload(engine, makeNumbers(test));
  for (const input of Object.values(inputs)) input.requiresGrad = input.dtype === 'f32';
  const pass = () => {
    const output = op(inputs, test[1] ?? {});
    if (op.definition.backward) engine.backward(output, engine.empty(output.shape));
  };
  return engine.observe(() => engine.device.capture(pass));
}
