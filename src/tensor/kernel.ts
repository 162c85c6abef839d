import type { AdapterSummary } from '../gpu/adapter.ts';
import type { Access, PipelineSource } from '../gpu/pipeline.ts';
import type { Engine } from './engine.ts';
import { halfOf, type Precision } from './operands/half.ts';
import { imageOf, type Matrix } from './operands/image.ts';
import type { Tensor } from './tensor.ts';
import { hashOf, shapeClassOf } from './tuning/table.ts';

/**
 * How a kernel binds a tensor: an access, then the WGSL element type where it is not f32 ("read u32", "write vec4<f32>").
 * `fours` are vec4<f32> where the kernel says so, else f32. An `operand` is a buffer to read, of elements that the shader knows as
 * `Operand`: f32, or f16 where the engine's precision is mixed (see `half.ts`). At tuning points with IMAGE = 1 it is a
 * texture (see `image.ts`).
 */
export type Binding =
  | 'read'
  | 'write'
  | 'operand'
  | `${'read' | 'write'} ${'u32' | 'vec4<f32>' | 'atomic<u32>' | 'fours'}`;

/** A point of a kernel's tuning space: compile-time constants. */
export type Point = Readonly<Record<string, number>>;

/** Limits and features that decide which tuning points an adapter can run, and the precision that the engine is set to. */
export interface Capabilities extends AdapterSummary {
  precision: Precision;
  workgroupStorageBytes: number;
  workgroupInvocations: number;
  /** Largest side of a texture. */
  textureSide: number;
}

export interface KernelSpec<B extends string, P extends string, T extends Point> {
  name: string;
  /** Bindings in order: the WGSL declarations, the layout and the arguments all come from here. Each is a WGSL variable. */
  bind: Record<B, Binding>;
  /** Members of the uniform struct `params`. */
  params: Record<P, 'u32' | 'f32'>;
  /** The tuning space: each constant's values. Every point that is `valid` gives the same result within tolerance. */
  tune?: { readonly [K in keyof T]: readonly number[] };
  /** Whether an adapter can run a point. */
  valid?: (point: T, adapter: Capabilities) => boolean;
  /** Whether a point can do the work that the params ask for; where a chosen one cannot, the kernel's preference is taken. */
  fits?: (point: T, params: Record<P, number>, adapter: Capabilities) => boolean;
  /** The matrix that each operand is, at points with IMAGE = 1. */
  images?: (params: Record<P, number>) => Record<string, Matrix>;
  /** A small number for what the shader must know of the params when it is compiled. */
  form?: (params: Record<P, number>) => number;
  /** Whether bindings marked `fours` are vectors of four. */
  fours?: (point: T, form: number) => boolean;
  /** What measurements of the points hold for, in words; unless told, sizes to within a factor of two (see `tuning.ts`). */
  shapeClass?: (params: Record<P, number>) => string;
  /** The point to take on an adapter until a measurement knows better; else the first valid one. */
  prefer?: (adapter: Capabilities, params: Record<NoInfer<P>, number>) => T;
  /** Workgroups: a count (folded into two axes where it passes 65,535: see `groupIndex`), or all three axes. */
  grid: (params: Record<NoInfer<P>, number>, point: T) => number | readonly [number, number, number];
  /** The shader, from the declarations on: entry point `main`. */
  wgsl: (point: T, adapter: Capabilities, form: number) => string;
}

/** A kernel is the function that dispatches it. */
export interface Kernel<B extends string = string, P extends string = string, T extends Point = Point> {
  (tensors: Record<B, Tensor>, params: Record<P, number>): void;
  readonly spec: KernelSpec<B, P, T>;
  /** The tuning points that `adapter` can run, in order. */
  points(adapter: Capabilities): T[];
  /** A hash of its shaders at all of those points, for work of these params: measurements of other shaders do not hold. */
  fingerprint(adapter: Capabilities, params: Record<P, number>): string;
}

/** Largest number of workgroups along an axis. */
const MAX_GROUPS = 65535;

/** The WGSL of every kernel begins with this. `groupIndex` undoes the folding of one-axis grids; indices past the end must be tested. */
const PRELUDE = /* wgsl */ `
fn groupIndex(group: vec3<u32>, groups: vec3<u32>) -> u32 { return group.x + group.y * groups.x; }
`;

/** Declares a kernel. */
export function defineKernel<B extends string, P extends string, T extends Point = Record<never, number>>(
  spec: KernelSpec<B, P, T>,
): Kernel<B, P, T> {
  const names = Object.keys(spec.bind) as B[];
  const hasParams = Object.keys(spec.params).length > 0;
  const sources = new WeakMap<Capabilities, Map<string, PipelineSource>>();

  const sourceOf = (point: T, adapter: Capabilities, form: number): PipelineSource => {
    const written = sources.get(adapter) ?? new Map<string, PipelineSource>();
    sources.set(adapter, written);
    const key = `${JSON.stringify(point)} ${form}`;
    let source = written.get(key);
    if (!source) {
      const accesses = names.map((name) => accessOf(spec.bind[name], point));
      const wgsl = declare(spec, point, adapter, form, spec.wgsl(point, adapter, form));
      source = { name: spec.name, wgsl, bindings: hasParams ? [...accesses, 'uniform'] : accesses };
      written.set(key, source);
    }
    return source;
  };
  const points = (adapter: Capabilities): T[] =>
    product(spec.tune ?? {}).filter((point) => spec.valid?.(point as T, adapter) ?? true) as T[];

  const run = (tensors: Record<B, Tensor>, params: Record<P, number>): void => {
    const { engine } = tensors[names[0]];
    const point = choose(kernel, engine, params);
    const grid = fold(spec.grid(params, point));
    if (grid.includes(0)) return;
    const source = sourceOf(point, engine.capabilities, spec.form?.(params) ?? 0);
    const matrices = point.IMAGE ? spec.images!(params) : undefined;
    const resources = names.map((name) => {
      if (spec.bind[name] !== 'operand') return tensors[name].view;
      if (matrices) return imageOf(tensors[name], matrices[name]);
      return engine.precision === 'mixed' ? halfOf(tensors[name]) : tensors[name].view;
    });
    const work = { source, resources, grid };
    engine.device.dispatch(hasParams ? { ...work, uniform: pack(spec.params, params) } : work);
    engine.onDispatch?.(kernel as unknown as Kernel, tensors, params);
  };
  const fingerprints = new WeakMap<Capabilities, Map<number, string>>();
  const fingerprint = (adapter: Capabilities, params: Record<P, number>): string => {
    const known = fingerprints.get(adapter) ?? new Map<number, string>();
    fingerprints.set(adapter, known);
    const form = spec.form?.(params) ?? 0;
    const shaders = () => points(adapter).map((point) => sourceOf(point, adapter, form).wgsl);
    if (!known.has(form)) known.set(form, hashOf(shaders().join('\n')));
    return known.get(form)!;
  };
  const kernel = Object.assign(run, { spec, points, fingerprint });
  return kernel;
}

/**
 * The point that was set for this kernel if there is one, else the measured one for its shapes, each where it can do the
 * work; else the kernel's preference, else the first valid point.
 */
function choose<B extends string, P extends string, T extends Point>(
  kernel: Kernel<B, P, T>,
  engine: Engine,
  params: Record<P, number>,
): T {
  const { spec } = kernel;
  const adapter = engine.capabilities;
  const fits = (point: Point | undefined): point is T =>
    point !== undefined && (spec.fits?.(point as T, params, adapter) ?? true);
  const forced = engine.tuning.forced(spec.name);
  if (fits(forced)) return forced;
  const measured = measuredPoint(kernel, engine, params);
  if (fits(measured)) return measured;
  return preferredPoint(kernel, adapter, params);
}

/** What an engine takes for lack of a measurement. @throws Error when no point runs on the adapter */
export function preferredPoint<B extends string, P extends string, T extends Point>(
  { spec, points }: Kernel<B, P, T>,
  adapter: Capabilities,
  params: Record<P, number>,
): T {
  const preferred = spec.prefer?.(adapter, params) ?? points(adapter)[0];
  if (!preferred) throw new Error(`kernel ${spec.name}: no tuning point runs on ${adapter.name}`);
  return preferred;
}

/** The measured point for these shapes, if it was measured on these shaders and the kernel still has it: tables may be older. */
export function measuredPoint<B extends string, P extends string, T extends Point>(
  { spec, fingerprint }: Kernel<B, P, T>,
  { tuning, capabilities }: Engine,
  params: Record<P, number>,
): T | undefined {
  const { tune } = spec;
  if (!tune) return undefined;
  const { point, shaders } = tuning.measured(spec.name, () => classOf(spec, params, capabilities)) ?? {};
  if (shaders !== undefined && shaders !== fingerprint(capabilities, params)) return undefined;
  const names = Object.keys(tune) as (keyof T & string)[];
  const known = point && Object.keys(point).length === names.length && names.every((n) => tune[n].includes(point[n]));
  return known && (spec.valid?.(point as T, capabilities) ?? true) ? (point as T) : undefined;
}

/** The class of a dispatch: its shapes, and f16 where operands are that. */
export function classOf<B extends string, P extends string, T extends Point>(
  { bind, shapeClass, params: types }: KernelSpec<B, P, T>,
  params: Record<P, number>,
  { precision }: Capabilities,
): string {
  const half = precision === 'mixed' && hasOperands(bind);
  return `${shapeClass?.(params) ?? shapeClassOf(types, params)}${half ? ' f16' : ''}`;
}

const hasOperands = (bind: Readonly<Record<string, Binding>>): boolean => Object.values(bind).includes('operand');

function product(space: Readonly<Record<string, readonly number[]>>): Point[] {
  return Object.entries(space).reduce<Point[]>(
    (points, [name, values]) => points.flatMap((point) => values.map((value) => ({ ...point, [name]: value }))),
    [{}],
  );
}

/** Folds a one-axis grid into two where it is too long. */
function fold(grid: number | readonly [number, number, number]): readonly [number, number, number] {
  if (typeof grid !== 'number') return grid;
  if (grid <= MAX_GROUPS) return [grid, 1, 1];
  const rows = Math.ceil(grid / MAX_GROUPS);
  return [Math.ceil(grid / rows), rows, 1];
}

function pack<P extends string>(types: Record<P, 'u32' | 'f32'>, values: Record<P, number>): Uint8Array<ArrayBuffer> {
  const names = Object.keys(types) as P[];
  const view = new DataView(new ArrayBuffer(Math.ceil(names.length / 4) * 16));
  names.forEach((name, i) => {
    if (types[name] === 'u32') view.setUint32(4 * i, values[name], true);
    else view.setFloat32(4 * i, values[name], true);
  });
  return new Uint8Array(view.buffer);
}

function accessOf(binding: Binding, point: Point): Access {
  if (binding === 'operand') return point.IMAGE ? 'image' : 'read';
  return binding.startsWith('read') ? 'read' : 'write';
}

function elementOf(binding: Binding, fours: boolean): string {
  if (binding === 'operand') return 'Operand';
  const element = binding.split(' ')[1] ?? 'f32';
  if (element !== 'fours') return element;
  return fours ? 'vec4<f32>' : 'f32';
}

/** Extensions that a shader must name, by what gives away that it uses them. */
const EXTENSIONS: readonly (readonly [RegExp, string])[] = [
  [/\bsubgroup[A-Z_]/, 'subgroups'],
  [/\bf16\b/, 'f16'],
  [/\bsubgroup_matrix/, 'chromium_experimental_subgroup_matrix'],
];

/** Writes the declarations of bindings and params in front of a shader. */
function declare<B extends string, P extends string, T extends Point>(
  spec: KernelSpec<B, P, T>,
  point: T,
  { precision }: Capabilities,
  form: number,
  body: string,
): string {
  const lines = (Object.entries(spec.bind) as [B, Binding][]).map(([name, binding], i) => {
    const access = accessOf(binding, point);
    if (access === 'image') return `@group(0) @binding(${i}) var ${name}: texture_storage_2d<rgba32float, read>;`;
    const element = elementOf(binding, spec.fours?.(point, form) ?? false);
    const mode = access === 'read' ? 'read' : 'read_write';
    return `@group(0) @binding(${i}) var<storage, ${mode}> ${name}: array<${element}>;`;
  });
  const members = (Object.entries(spec.params) as [P, string][]).map(([name, type]) => `${name}: ${type}`);
  if (members.length) {
    lines.push(
      `struct Params { ${members.join(', ')} }`,
      `@group(0) @binding(${lines.length}) var<uniform> params: Params;`,
    );
  }
  if (hasOperands(spec.bind))
    lines.unshift(`alias Operand = ${precision === 'mixed' && !point.IMAGE ? 'f16' : 'f32'};`);
  const shader = `${lines.join('\n')}${PRELUDE}${body}`;
  const enabled = EXTENSIONS.filter(([sign]) => sign.test(shader)).map(([, name]) => `enable ${name};\n`);
  return `${enabled.join('')}${shader}`;
}
