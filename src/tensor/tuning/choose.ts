import type { Capabilities } from '../capabilities.ts';
import { type Point, sizeClass, type Tuning } from './table.ts';

/** What a kernel says of its tuning points; `params` are what its grid gets. */
export interface TuningSpec<P extends string, T extends Point> {
  name: string;
  /** The tuning space: each constant's values. Every point that is `valid` gives the same result within tolerance. */
  tune?: { readonly [K in keyof T]: readonly number[] };
  /** Whether an adapter can run a point. */
  valid?: (point: T, adapter: Capabilities) => boolean;
  /** Whether a point can do the work that the params ask for; where a chosen one cannot, the kernel's preference is taken. */
  fits?: (point: T, params: Record<NoInfer<P>, number>, adapter: Capabilities) => boolean;
  /** What measurements of the points hold for, in words; unless told, sizes to within a factor of two. */
  shapeClass?: (params: Record<NoInfer<P>, number>) => string;
  /** The point to take on an adapter until a measurement knows better; else the first valid one. */
  prefer?: (adapter: Capabilities, params: Record<NoInfer<P>, number>) => T;
}

/** A dispatch to choose a point for. */
export interface Choosable<P extends string> {
  params: Record<P, number>;
  /** The name of its entry in a table. */
  entry: () => string;
  /** The fingerprint of its shaders at all points. */
  shaders: () => string;
}

/** The tuning points that `adapter` can run, in order. */
export function pointsOf<P extends string, T extends Point>(spec: TuningSpec<P, T>, adapter: Capabilities): T[] {
  const points = Object.entries<readonly number[]>(spec.tune ?? {}).reduce<Point[]>(
    (before, [name, values]) => before.flatMap((point) => values.map((value) => ({ ...point, [name]: value }))),
    [{}],
  );
  return (points as T[]).filter((point) => spec.valid?.(point, adapter) ?? true);
}

/** What an engine takes for lack of a measurement. @throws Error when no point runs on the adapter */
export function preferredPoint<P extends string, T extends Point>(
  spec: TuningSpec<P, T>,
  adapter: Capabilities,
  params: Record<P, number>,
): T {
  const preferred = spec.prefer?.(adapter, params) ?? pointsOf(spec, adapter)[0];
  if (!preferred) throw new Error(`kernel ${spec.name}: no tuning point runs on ${adapter.name}`);
  return preferred;
}

/** What an engine goes by. */
interface Chooser {
  readonly tuning: Tuning;
  readonly capabilities: Capabilities;
}

/** The measured point for some work, if it was measured on these shaders and the kernel still has it: tables may be older. */
export function measuredPoint<P extends string, T extends Point>(
  { tune, valid }: TuningSpec<P, T>,
  { tuning, capabilities }: Chooser,
  { entry, shaders: fingerprint }: Choosable<P>,
): T | undefined {
  if (!tune) return undefined;
  const { point, shaders } = tuning.measured(entry) ?? {};
  if (shaders !== undefined && shaders !== fingerprint()) return undefined;
  const names = Object.keys(tune) as (keyof T & string)[];
  const known = point && Object.keys(point).length === names.length && names.every((n) => tune[n].includes(point[n]));
  return known && (valid?.(point as T, capabilities) ?? true) ? (point as T) : undefined;
}

/** Whether a point can do some work. */
export const fits = <P extends string, T extends Point>(
  spec: TuningSpec<P, T>,
  point: Point | undefined,
  params: Record<P, number>,
  adapter: Capabilities,
): point is T => point !== undefined && (spec.fits?.(point as T, params, adapter) ?? true);

/**
 * The point that was set for this kernel if there is one, else the measured one for its work, each where it can do that;
 * else the kernel's preference, else the first valid point.
 */
export function choosePoint<P extends string, T extends Point>(
  spec: TuningSpec<P, T>,
  chooser: Chooser,
  work: Choosable<P>,
): T {
  const { tuning, capabilities } = chooser;
  const forced = tuning.forced(spec.name);
  if (fits(spec, forced, work.params, capabilities)) return forced;
  const measured = measuredPoint(spec, chooser, work);
  if (fits(spec, measured, work.params, capabilities)) return measured;
  return preferredPoint(spec, capabilities, work.params);
}

/** The classes of all params that are whole numbers, sizes and flags alike: what a kernel that says nothing else goes by. */
export function sizeClasses(types: Readonly<Record<string, 'u32' | 'f32'>>, params: Readonly<Record<string, number>>) {
  const whole = Object.keys(types).filter((name) => types[name] === 'u32');
  return whole.map((name) => `${name}=${sizeClass(params[name])}`).join(' ');
}
