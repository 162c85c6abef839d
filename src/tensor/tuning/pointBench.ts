import { UserError } from '../../errors.ts';
import type { Engine, Recording } from '../engine.ts';
import type { Dispatched } from '../kernel.ts';
import { QuantizedMatrix } from '../operands/quantized.ts';
import { isWritten } from '../shader.ts';
import { type DType, Tensor } from '../tensor.ts';
import type { FirstRun, Stopwatch } from './challenge.ts';
import type { Point } from './table.ts';

/**
 * Dispatches of a recording. Two, so that an image of an operand serves both, as it does in training, where a forward and a
 * backward pass read each operand: one alone would bear the copy.
 */
const DISPATCHES = 2;

/** A sample takes about this long, so that what it costs to submit and to wait hardly counts. */
const SAMPLE_MS = 4;
const MOST_REPEATS = 16;

/** Runs one dispatch at any tuning point, on scratch tensors. `free` it in the end. */
export class PointBench implements Stopwatch {
  private readonly scratch: Record<string, Tensor>;
  private readonly compiled = new Map<Point, { recording: Recording<object>; repeats: number }>();

  constructor(
    private readonly engine: Engine,
    private readonly dispatch: Dispatched,
  ) {
    this.scratch = scratchFor(engine, dispatch);
  }

  async first(point: Point): Promise<FirstRun | undefined> {
    const startedAt = performance.now();
    const recording = this.record(point);
    try {
      await this.run(recording, 1);
      const firstMs = performance.now() - startedAt;
      const againMs = await this.run(recording, 1);
      const repeats = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(SAMPLE_MS / againMs)));
      this.compiled.set(point, { recording, repeats });
      return { compiledMs: firstMs - againMs, runMs: againMs / DISPATCHES };
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }

  async again(point: Point): Promise<number> {
    const { recording, repeats } = this.compiled.get(point)!;
    return (await this.run(recording, repeats)) / repeats / DISPATCHES;
  }

  async agree(point: Point, other: Point): Promise<boolean> {
    const [expected, actual] = [await this.results(point), await this.results(other)];
    return expected.every((numbers, i) => areClose(numbers, actual[i]));
  }

  free(): void {
    for (const { recording } of this.compiled.values()) recording.dispose();
    for (const { view } of Object.values(this.scratch)) this.engine.device.free(view);
  }

  private record(point: Point): Recording<object> {
    const { engine, dispatch, scratch } = this;
    const { kernel, params } = dispatch;
    return engine.tuning.during(kernel.spec.name, point, () =>
      engine.record(() => {
        for (let i = 0; i < DISPATCHES; i++) kernel(scratch, { ...params });
        return {};
      }),
    );
  }

  /** What a point writes, from the same beginning each time. Ids (u32) may turn on the last bit of a score: left out. */
  private async results(point: Point): Promise<Float32Array[]> {
    const { dispatch, scratch } = this;
    const { bind } = dispatch.kernel.spec;
    for (const [name, tensor] of Object.entries(scratch)) fill(tensor, dispatch.tensors[name], dispatch);
    await this.run(this.compiled.get(point)!.recording, 1);
    const written = Object.entries(scratch).filter(([name, { dtype }]) => isWritten(bind[name]) && dtype === 'f32');
    return Promise.all(written.map(([, tensor]) => tensor.floats()));
  }

  private async run(recording: Recording<object>, repeats: number): Promise<number> {
    const startedAt = performance.now();
    for (let i = 0; i < repeats; i++) recording.run();
    await this.engine.device.finish();
    return performance.now() - startedAt;
  }
}

/** How far results of two points may lie apart, by their magnitude: far above rounding, far below a mistake. */
const TOLERANCE = 1e-3;

function areClose(expected: Float32Array, actual: Float32Array): boolean {
  const magnitude = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return expected.every((value, i) => Math.abs(actual[i] - value) <= TOLERANCE * magnitude);
}

/** Small positive numbers: no kernel slows down on them as on denormals, and no exponential overflows. */
const PATTERN = Float32Array.from({ length: 1021 }, (_, i) => (1 + ((i * 367) % 1021)) / 1021 / 10);

/**
 * Tensors like those of a dispatch, which its runs may overwrite. Tensors that share memory there share it here. Index buffers
 * are copied, so that ids stay in range; what has no contents yet is zero.
 */
function scratchFor(engine: Engine, dispatch: Dispatched): Record<string, Tensor> {
  const made: { like: Tensor; tensor: Tensor }[] = [];
  const scratch = Object.entries(dispatch.tensors).map(([name, like]): [string, Tensor] => {
    if (like instanceof QuantizedMatrix) return [name, like]; // only read
    const { block, offsetBytes, sizeBytes } = like.view;
    const twin = made.find(({ like: { view } }) => view.block === block && view.offsetBytes === offsetBytes);
    if (twin && twin.tensor.view.sizeBytes >= sizeBytes) {
      return [name, new Tensor(engine, like.shape, like.dtype, { ...twin.tensor.view, sizeBytes })];
    }
    const tensor = engine.empty(like.shape, like.dtype as DType, 'scratch memory');
    fill(tensor, like, dispatch);
    made.push({ like, tensor });
    return [name, tensor];
  });
  return Object.fromEntries(scratch);
}

function fill(tensor: Tensor, like: Tensor, { known }: Dispatched): void {
  if (tensor === like) return;
  const { device } = tensor.engine;
  if (tensor.dtype === 'f32') {
    const numbers = new Float32Array(tensor.size);
    for (let i = 0; i < numbers.length; i += PATTERN.length) {
      numbers.set(PATTERN.subarray(0, Math.min(PATTERN.length, numbers.length - i)), i);
    }
    tensor.write(numbers);
  } else if (known.has(like)) device.copy(like.view, tensor.view);
  else device.clear(tensor.view);
}
