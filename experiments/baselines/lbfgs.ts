/**
 * Limited-memory BFGS (Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization"; the two-loop
 * recursion is algorithm 7.4 of Nocedal and Wright, "Numerical Optimization"), in float64 and deterministic.
 */

/** Writes the gradient at `x` into `gradient` and returns the value. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/** Steps whose curvature is remembered. */
const MEMORY = 5;
/** A step must bring this share of the decrease that the slope promises (Armijo). */
const SUFFICIENT = 1e-4;
const MAX_HALVINGS = 40;

interface Curvature {
  readonly s: Float64Array;
  readonly y: Float64Array;
  /** s . y, positive. */
  readonly sy: number;
}

/**
 * The minimum of a smooth convex function, from `x` on: ends when no entry of the gradient exceeds `tolerance`, when no step
 * helps any more (float64 is exhausted), or after `maxSteps`.
 */
export function minimize(objective: Objective, start: Float64Array, tolerance: number, maxSteps: number): Float64Array {
  let x = start.slice();
  let gradient = new Float64Array(x.length);
  let value = objective(x, gradient);
  const memory: Curvature[] = [];
  for (let step = 0; step < maxSteps && !(largest(gradient) <= tolerance); step++) {
    const next = search(objective, x, value, gradient, descent(gradient, memory), memory.length === 0);
    if (!next) break;
    remember(memory, difference(next.x, x), difference(next.gradient, gradient));
    ({ x, value, gradient } = next);
  }
  return x;
}

/** -H gradient, with H the inverse Hessian that the remembered steps suggest. */
function descent(gradient: Float64Array, memory: readonly Curvature[]): Float64Array {
  const q = gradient.slice();
  scale(q, -1);
  const alphas: number[] = [];
  for (const { s, y, sy } of memory.toReversed()) {
    alphas.push(dot(s, q) / sy);
    addScaled(q, y, -alphas[alphas.length - 1]);
  }
  const last = memory.at(-1);
  if (last) scale(q, last.sy / dot(last.y, last.y));
  for (const { s, y, sy } of memory) addScaled(q, s, alphas.pop()! - dot(y, q) / sy);
  return q;
}

/** Halves the step until the value falls enough; without curvature known, the first step is of length 1 at most. */
function search(
  objective: Objective,
  x: Float64Array,
  value: number,
  gradient: Float64Array,
  direction: Float64Array,
  first: boolean,
) {
  const slope = dot(gradient, direction);
  let size = first ? Math.min(1, 1 / Math.sqrt(dot(direction, direction))) : 1;
  for (let halving = 0; halving < MAX_HALVINGS; halving++, size /= 2) {
    const at = x.slice();
    addScaled(at, direction, size);
    const there = new Float64Array(x.length);
    const found = objective(at, there);
    if (found <= value + SUFFICIENT * size * slope) return { x: at, value: found, gradient: there };
  }
  return undefined;
}

/** A pair without positive curvature, as rounding may leave at the minimum, would spoil the next directions. */
function remember(memory: Curvature[], s: Float64Array, y: Float64Array): void {
  const sy = dot(s, y);
  if (!(sy > 1e-14 * dot(y, y))) return;
  memory.push({ s, y, sy });
  if (memory.length > MEMORY) memory.shift();
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] += factor * from[i];
}

function scale(values: Float64Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  const d = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) d[i] = a[i] - b[i];
  return d;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}
