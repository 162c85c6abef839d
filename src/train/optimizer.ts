import { UsageError } from '../errors.ts';
import { type AdamwTensors, adamw } from '../kernels/optimizer/adamw.ts';
import { type MatrixStack, muon } from '../kernels/optimizer/muon.ts';
import type { ParameterSpec, Parameters, Stretch } from '../tensor/parameters.ts';
import type { Shape } from '../tensor/shape.ts';
import { ELEMENT_BYTES, Tensor } from '../tensor/tensor.ts';
import type { TrainConfig } from './config.ts';

/** The settings that say how parameters move. */
export type OptimizerSettings = Pick<TrainConfig, 'optimizer' | 'muonMomentum' | 'muonFactor'>;

/** Numbers by name. */
export type NamedNumbers = { name: string; shape: Shape; data: Float32Array };

/** Running means of gradients and of their squares. */
export const MOMENTS = ['firstMoment', 'secondMoment'] as const;
/** What checkpoints call a moment of a parameter. */
export const momentName = (name: string, which: (typeof MOMENTS)[number]): string =>
  `${name} (${which === 'firstMoment' ? 'first' : 'second'} moment)`;

/** A collection of which something is trained, with its moments, in the layout of its gradients: zeros before the first step. */
export class Trained {
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;

  /** @param rate the learning rate in units of the schedule's */
  constructor(
    readonly parameters: Parameters,
    readonly rate: number,
  ) {
    const { engine, gradients } = parameters;
    const moment = (): Tensor => engine.zeros(gradients!.shape, 'f32', "the optimizer's moments");
    [this.firstMoment, this.secondMoment] = [moment(), moment()];
  }

  /**
   * One step of what is trained. `adamw`: a dispatch for each stretch of it, one when nothing is frozen. `muon`: matrices of
   * hidden layers by Muon, whose momentum lives in the first moment's places; embeddings, head, norms and biases by AdamW.
   */
  update(
    { norm, settings }: Pick<AdamwTensors, 'norm' | 'settings'>,
    { optimizer, muonMomentum: momentum, muonFactor: factor }: OptimizerSettings,
  ): void {
    const { decayEnd } = this.parameters;
    for (const stretch of this.parameters.trained) {
      const specs = this.specsOf(stretch);
      const isMatrix = (spec: ParameterSpec): boolean => optimizer === 'muon' && spec.matrices !== undefined;
      const stacks = this.stacksOf(specs.filter(isMatrix), stretch);
      if (stacks.length > 0) muon({ ...this.tensorsOf(stretch), norm, settings }, stacks, { momentum, factor });
      for (const rest of this.stretchesOf(specs, stretch, isMatrix)) {
        const { start, end } = rest;
        adamw({ ...this.tensorsOf(rest), norm, settings }, { decayEnd: Math.max(0, Math.min(decayEnd, end) - start) });
      }
    }
  }

  /** Values and moments of what is trained, for checkpoints. Waits for the GPU. */
  async save(): Promise<NamedNumbers[]> {
    const { parameters } = this;
    const trained = new Set(parameters.trainedSpecs.map(({ name }) => name));
    const values = parameters.split(await parameters.values.floats()).filter(({ name }) => trained.has(name));
    const moments = MOMENTS.map(async (which) => {
      const parts = parameters.split(await this[which].floats(), 'gradients');
      return parts.map((part) => ({ ...part, name: momentName(part.name, which) }));
    });
    return [...values, ...(await Promise.all(moments)).flat()];
  }

  /** Takes back what `save` gave. */
  restore(part: (name: string, shape: Shape) => Float32Array): void {
    const { parameters } = this;
    for (const { name, shape } of parameters.trainedSpecs) {
      parameters.get(name).write(new Float32Array(part(name, shape)));
    }
    for (const which of MOMENTS) {
      this[which].write(parameters.join((name, shape) => part(momentName(name, which), shape), 'gradients'));
    }
  }

  private specsOf({ start, end }: Stretch): ParameterSpec[] {
    return this.parameters.specs.filter((spec) => start <= this.startOf(spec) && this.startOf(spec) < end);
  }

  /** Where a parameter begins among the values, in elements. */
  private startOf({ name }: ParameterSpec): number {
    return this.parameters.get(name).view.offsetBytes / ELEMENT_BYTES;
  }

  /** Flat tensors of a stretch. */
  private tensorsOf({ start, end, at }: Stretch) {
    const { parameters, firstMoment, secondMoment } = this;
    const part = ({ engine, view }: Tensor, from: number): Tensor => {
      const [offsetBytes, sizeBytes] = [view.offsetBytes + from * ELEMENT_BYTES, (end - start) * ELEMENT_BYTES];
      return new Tensor(engine, [end - start], 'f32', { block: view.block, offsetBytes, sizeBytes });
    };
    return {
      ...{ values: part(parameters.values, start), gradients: part(parameters.gradients!, at) },
      ...{ firstMoment: part(firstMoment, at), secondMoment: part(secondMoment, at) },
    };
  }

  /** Matrices in a stretch, those of one shape together: each as it was named, and the three in GPT-2's c_attn by themselves. */
  private stacksOf(specs: readonly ParameterSpec[], { start }: Stretch): MatrixStack[] {
    const byShape = new Map<string, { rows: number; columns: number; places: number[] }>();
    for (const spec of specs) {
      const [rows, width] = spec.shape;
      const columns = width / spec.matrices!;
      const stack = byShape.get(`${rows} ${columns}`) ?? { rows, columns, places: [] };
      byShape.set(`${rows} ${columns}`, stack);
      for (let at = 0; at < width; at += columns) stack.places.push(this.startOf(spec) - start + at, width);
    }
    const { engine } = this.parameters;
    return [...byShape.values()].map(({ places, ...shape }) => ({
      ...shape,
      places: engine.tensor(Uint32Array.from(places), [places.length / 2, 2]),
    }));
  }

  /** What of a stretch is left without the parameters that are taken out. */
  private stretchesOf(
    specs: readonly ParameterSpec[],
    whole: Stretch,
    isTaken: (spec: ParameterSpec) => boolean,
  ): Stretch[] {
    const rest: Stretch[] = [];
    specs.forEach((spec, i) => {
      if (isTaken(spec)) return;
      const last = rest.at(-1);
      const [start, end] = [this.startOf(spec), i + 1 < specs.length ? this.startOf(specs[i + 1]) : whole.end];
      if (last?.end === start) rest[rest.length - 1] = { ...last, end };
      else rest.push({ start, end, at: whole.at + start - whole.start });
    });
    return rest;
  }
}

/** @throws UsageError for Muon where nothing would be moved by it */
export function checkOptimizer({ optimizer }: OptimizerSettings, trained: readonly Trained[]): void {
  const specs = trained.flatMap(({ parameters }) => parameters.trainedSpecs);
  if (optimizer === 'adamw' || specs.some(({ matrices }) => matrices)) return;
  throw new UsageError(
    `optimizer muon moves the matrices of a model's blocks, and none of them is trained here: use adamw`,
  );
}
