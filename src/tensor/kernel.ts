import type { PipelineSource } from '../gpu/pipeline.ts';
import type { Capabilities } from './capabilities.ts';
import { halfOf } from './operands/half.ts';
import { fitsImage, imageOf, type Matrix } from './operands/image.ts';
import { type PackedForm, QuantizedMatrix } from './operands/quantized.ts';
import {
  type Bindings,
  hasOperands,
  isOptional,
  type OptionalNames,
  type ShaderContext,
  type ShaderSpec,
  writeShader,
} from './shader.ts';
import { defineStruct } from './struct.ts';
import type { Tensor, TensorEngine } from './tensor.ts';
import {
  type Choosable,
  choosePoint,
  fits,
  measuredPoint,
  pointsOf,
  preferredPoint,
  sizeClasses,
  type TuningSpec,
} from './tuning/choose.ts';
import { entryName, hashOf, type Point } from './tuning/table.ts';

/** The tensors that a kernel binds, by name. */
export type Tensors<B extends Bindings> = { [K in Exclude<keyof B, OptionalNames<B>>]: Tensor } & {
  [K in OptionalNames<B>]?: Tensor;
};

export interface KernelSpec<B extends Bindings, P extends string, T extends Point>
  extends ShaderSpec<B, P, T>,
    TuningSpec<P, T> {
  /** The matrix that each operand is, at points with IMAGE = 1. */
  images?: (params: Record<NoInfer<P>, number>) => Record<string, Matrix>;
  /** What the shader must know of the params when it is compiled. */
  constants?: (params: Record<NoInfer<P>, number>) => Record<string, number>;
  /**
   * Params that count elements of bindings marked `T`: where all of them are multiples of four, T is vec4<f32> and they count
   * vectors, in the shader as in all functions of this declaration. Software adapters and GPUs alike load a vector in less
   * time than four numbers.
   */
  lengths?: readonly NoInfer<P>[];
  /** Numbers of a T, for kernels whose params count numbers in any case. */
  width?: (params: Record<NoInfer<P>, number>, point: T) => 1 | 4;
  /** Workgroups: a count (folded into two axes where it passes 65,535: see `groupIndex`), or all three axes. */
  grid: (
    params: Record<NoInfer<P>, number>,
    point: T,
    adapter: Capabilities,
  ) => number | readonly [number, number, number];
}

/** A dispatch before it is one: what there is to choose. */
export interface Choices<T extends Point = Point> {
  /** The name of its entry in a tuning table. */
  entry: string;
  /** The points that can do it, the preferred one first. */
  points: T[];
  /** The point that tables say. */
  measured: T | undefined;
  /** A hash of its shaders at all points: measurements of other shaders do not hold. */
  shaders: string;
  /** Workgroups at a point. */
  workgroups(point: T): number;
}

/** A kernel is the function that dispatches it. */
export interface Kernel<B extends Bindings = Bindings, P extends string = string, T extends Point = Point> {
  (tensors: Tensors<B>, params: Record<P, number>): void;
  readonly spec: KernelSpec<B, P, T>;
  /** The tuning points that `adapter` can run, in order; with params, those whose images its textures hold. */
  points(adapter: Capabilities, params?: Record<P, number>): T[];
  /** What there is to choose for a dispatch of these tensors and params. */
  choices(tensors: Tensors<B>, params: Record<P, number>): Choices<T>;
}

/** A dispatch as `observe` sees it. */
export interface Dispatched {
  kernel: Kernel;
  /** Those that the kernel binds. */
  tensors: Readonly<Record<string, Tensor>>;
  params: Readonly<Record<string, number>>;
  /** Those that had memory, and so contents, when it was dispatched or recorded: what a recording makes on its way has none. */
  known: ReadonlySet<Tensor>;
}

/** Who is told of every dispatch, by engine: the innermost `observe` last. */
const observers = new WeakMap<TensorEngine, Dispatched[][]>();

function begin(engine: TensorEngine): { seen: Dispatched[]; end: () => void } {
  const seen: Dispatched[] = [];
  const outer = observers.get(engine) ?? [];
  observers.set(engine, [...outer, seen]);
  return { seen, end: () => void observers.set(engine, outer) };
}

/** Runs (or records) `work` and returns its dispatches. */
export function observe(engine: TensorEngine, work: () => unknown): Dispatched[] {
  const { seen, end } = begin(engine);
  try {
    work();
  } finally {
    end();
  }
  return seen;
}

/** The same of work that takes its time. */
export async function observeLong(engine: TensorEngine, work: () => Promise<unknown>): Promise<Dispatched[]> {
  const { seen, end } = begin(engine);
  await work().finally(end);
  return seen;
}

/** Largest number of workgroups along an axis. */
const MAX_GROUPS = 65535;

/** Folds a one-axis grid into two where it is too long. */
function fold(grid: number | readonly [number, number, number]): readonly [number, number, number] {
  if (typeof grid !== 'number') return grid;
  if (grid <= MAX_GROUPS) return [grid, 1, 1];
  const rows = Math.ceil(grid / MAX_GROUPS);
  return [Math.ceil(grid / rows), rows, 1];
}

/** Declares a kernel. */
export function defineKernel<const B extends Bindings, P extends string, T extends Point = Record<never, number>>(
  spec: KernelSpec<B, P, T>,
): Kernel<B, P, T> {
  const declared = new Declared(spec);
  const kernel = (tensors: Tensors<B>, params: Record<P, number>): void => {
    const { engine } = firstOf(tensors);
    const form = declared.formOf(tensors, params, engine);
    const point = choosePoint(spec, engine, form);
    const grid = fold(spec.grid(form.params, point, engine.capabilities));
    if (grid.includes(0)) return;
    engine.device.dispatch({
      ...{ source: form.source(point), resources: declared.resources(form, point, tensors), grid },
      ...(declared.struct.size > 0 && { uniform: declared.struct.pack(form.params) }),
    });
    note(engine, kernel as unknown as Kernel, tensors as Record<string, Tensor>, params);
  };
  const choices = (tensors: Tensors<B>, params: Record<P, number>): Choices<T> => {
    const { engine } = firstOf(tensors);
    return declared.choices(declared.formOf(tensors, params, engine), engine);
  };
  const points = (adapter: Capabilities, params?: Record<P, number>): T[] =>
    pointsOf(spec, adapter).filter(({ IMAGE }) => !IMAGE || !params || imagesFit(spec.images!(params), adapter));
  return Object.assign(kernel, { spec, choices, points });
}

const imagesFit = (images: Record<string, Matrix>, { textureSide }: Capabilities): boolean =>
  Object.values(images).every((matrix) => fitsImage(matrix, textureSide));

const firstOf = (tensors: object): Tensor => Object.values(tensors).find((tensor) => tensor !== undefined);

function note(engine: TensorEngine, kernel: Kernel, tensors: Record<string, Tensor | undefined>, params: object): void {
  for (const seen of observers.get(engine) ?? []) {
    const names = Object.keys(kernel.spec.bind).filter((name) => tensors[name]);
    const bound = Object.fromEntries(names.map((name) => [name, tensors[name]!]));
    const known = new Set(Object.values(bound).filter(({ view }) => view.block.gpu !== undefined));
    seen.push({ kernel, tensors: bound, params: { ...params }, known });
  }
}

/** A dispatch of a kernel in the form that its tensors and params ask for. */
interface Form<P extends string, T extends Point> extends Choosable<P> {
  has: Record<string, boolean>;
  source(point: T): PipelineSource;
}

/** What a kernel's declaration makes for each adapter, once. */
class Declared<B extends Bindings, P extends string, T extends Point> {
  readonly struct;
  private readonly names: string[];
  private readonly optional: string[];
  private readonly sources = new WeakMap<Capabilities, Map<string, PipelineSource>>();
  private readonly fingerprints = new WeakMap<Capabilities, Map<string, string>>();

  constructor(private readonly spec: KernelSpec<B, P, T>) {
    this.struct = defineStruct('Params', spec.params);
    this.names = Object.keys(spec.bind);
    this.optional = this.names.filter((name) => isOptional(spec.bind[name]));
  }

  /** `elements` are params as callers know them; those of `lengths` may come to count vectors. */
  formOf(tensors: Tensors<B>, elements: Record<P, number>, { capabilities: adapter }: TensorEngine): Form<P, T> {
    const { spec } = this;
    const vectors = spec.lengths?.every((name) => elements[name] % 4 === 0) ?? false;
    const params = { ...elements };
    if (vectors) for (const name of spec.lengths!) params[name] /= 4;
    const has = Object.fromEntries(this.names.map((name) => [name, tensors[name as keyof Tensors<B>] !== undefined]));
    const present = this.optional.filter((name) => has[name]);
    const constants = spec.constants?.(params) ?? {};
    const packed = this.packedOf(tensors);
    const key = JSON.stringify([present, constants, vectors, packed]);
    const context = (point: T) =>
      ({
        adapter,
        has,
        constants,
        packed,
        width: vectors ? 4 : (spec.width?.(params, point) ?? 1),
      }) as ShaderContext<B>;
    const formats = Object.values(packed).map(({ format }) => format);
    const name = [spec.name, ...present, ...formats].join('_');
    const source = (point: T) => this.source(name, key, point, context(point));
    return {
      ...{ params, has, source },
      entry: () => entryName(name, this.classOf(params, adapter, vectors)),
      shaders: () => this.fingerprint(adapter, key, source),
    };
  }

  /** What is bound, in order: tensors, or copies of them in the form that the point reads operands in. */
  resources({ params, has }: Form<P, T>, point: T, tensors: Tensors<B>) {
    const { bind, images } = this.spec;
    const matrices = point.IMAGE ? images!(params) : undefined;
    return this.names
      .filter((name) => has[name])
      .map((name) => {
        const tensor = (tensors as Record<string, Tensor>)[name];
        if (tensor instanceof QuantizedMatrix) return tensor.image;
        if (bind[name] !== 'operand') return tensor.view;
        if (matrices) return imageOf(tensor, matrices[name]);
        return tensor.engine.capabilities.precision === 'mixed' ? halfOf(tensor) : tensor.view;
      });
  }

  /** The forms of operands that are packed. @throws Error for a binding that only knows plain numbers */
  private packedOf(tensors: Tensors<B>): Record<string, PackedForm> {
    const packed = Object.entries<Tensor | undefined>(tensors).flatMap(([name, tensor]) =>
      tensor instanceof QuantizedMatrix ? [[name, tensor.form] as const] : [],
    );
    for (const [name] of packed) {
      if (this.spec.bind[name] !== 'operand')
        throw new Error(`kernel ${this.spec.name} cannot read packed numbers: ${name}`);
    }
    return Object.fromEntries(packed);
  }

  choices(form: Form<P, T>, { capabilities, tuning }: TensorEngine): Choices<T> {
    const { spec } = this;
    const preferred = preferredPoint(spec, capabilities, form.params);
    const distance = (point: T): number =>
      Object.keys(preferred).filter((name) => point[name] !== preferred[name]).length;
    const others = pointsOf(spec, capabilities).filter(
      (point) => distance(point) > 0 && fits(spec, point, form.params, capabilities),
    );
    return {
      ...{
        entry: form.entry(),
        shaders: form.shaders(),
        measured: measuredPoint(spec, { capabilities, tuning }, form),
      },
      points: [preferred, ...others.sort((a, b) => distance(a) - distance(b))],
      workgroups: (point) =>
        fold(spec.grid(form.params, point, capabilities)).reduce((product, axis) => product * axis),
    };
  }

  private source(name: string, key: string, point: T, context: ShaderContext<B>): PipelineSource {
    const written = this.sources.get(context.adapter) ?? new Map<string, PipelineSource>();
    this.sources.set(context.adapter, written);
    const place = `${JSON.stringify(point)} ${context.width} ${key}`;
    const source = written.get(place) ?? { name, ...writeShader(this.spec, point, context) };
    written.set(place, source);
    return source;
  }

  private fingerprint(adapter: Capabilities, key: string, source: (point: T) => PipelineSource): string {
    const known = this.fingerprints.get(adapter) ?? new Map<string, string>();
    this.fingerprints.set(adapter, known);
    const shaders = () => pointsOf(this.spec, adapter).map((point) => source(point).wgsl);
    if (!known.has(key)) known.set(key, hashOf(shaders().join('\n')));
    return known.get(key)!;
  }

  /** The class of a dispatch: its shapes, vectors where it is on these, and f16 where operands are that. */
  private classOf(params: Record<P, number>, { precision }: Capabilities, vectors: boolean): string {
    const { bind, shapeClass, params: types } = this.spec;
    const half = precision === 'mixed' && hasOperands(bind);
    return `${shapeClass?.(params) ?? sizeClasses(types, params)}${vectors ? ' vec4' : ''}${half ? ' f16' : ''}`;
  }
}
