/** A point of a kernel's tuning space: compile-time constants. */
export type Point = Readonly<Record<string, number>>;

/**
 * Measured choices as plain data: under `entryName(kernel, class)` the tuning point of a kernel on work of a shape class, as
 * `formatChoice` writes it. A table holds for one adapter and driver.
 */
export type TuningTable = Readonly<Record<string, string>>;

/** A tuning point with the fingerprint of the shaders that it was chosen among; without one it holds for whatever they become. */
export interface Choice {
  point: Point;
  shaders?: string;
}

/** A choice in words: "LANES=1 IMAGE=0 TM=32 TN=32 #1c3f05a2". */
export const formatChoice = ({ point, shaders }: Choice): string =>
  `${formatPoint(point)}${shaders === undefined ? '' : ` #${shaders}`}`;

/** The choice in a table's words. Words of no sense make a point that no kernel has. */
export function parseChoice(words: string): Choice {
  const [point, shaders] = words.split(' #');
  return shaders === undefined ? { point: parsePoint(point) } : { point: parsePoint(point), shaders };
}

/** A hash of a text in eight hexadecimal digits: FNV-1a (Fowler, Noll, Vo) on UTF-16 units. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** A point in words: "LANES=1 IMAGE=0 TM=32 TN=32". */
export const formatPoint = (point: Point): string =>
  Object.entries(point)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** The point in such words. Words of no sense make a point that no kernel has. */
export function parsePoint(words: string): Point {
  const pairs = words.split(' ').map((word) => word.split('='));
  return Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
}

/** The name of an entry: "matmul NN M=512 N=128 K=128". */
export const entryName = (kernel: string, shapeClass: string): string => `${kernel} ${shapeClass}`.trimEnd();

/** Sizes above this are one class: work that fills an adapter that well behaves alike. */
const LARGEST_CLASS = 1 << 14;

/** The class of a size: the power of two at or below it (0 for 0). What is best for 500 rows is best for 400. */
export const sizeClass = (size: number): number =>
  size < 1 ? 0 : Math.min(LARGEST_CLASS, 2 ** Math.floor(Math.log2(size)));

/**
 * Which tuning point an engine takes for a kernel: the one that was set for it by name, whatever the shapes, else that of
 * the first table that has an entry for the shape class. Without either the kernel's own preference holds.
 */
export class Tuning {
  private readonly byName = new Map<string, Point>();
  private tables: readonly TuningTable[] = [];

  /** Takes `point` for a kernel on all shapes, until `delete`: for tests and comparisons. */
  set(kernel: string, point: Point): void {
    this.byName.set(kernel, point);
  }

  /** Undoes `set`. */
  delete(kernel: string): void {
    this.byName.delete(kernel);
  }

  /** Runs `work` with `point` set for a kernel, and what was set before afterwards. */
  during<R>(kernel: string, point: Point, work: () => R): R {
    const before = this.byName.get(kernel);
    this.byName.set(kernel, point);
    try {
      return work();
    } finally {
      if (before) this.byName.set(kernel, before);
      else this.byName.delete(kernel);
    }
  }

  /** Undoes every `set`. */
  clear(): void {
    this.byName.clear();
  }

  /** The point that was `set` for a kernel. */
  forced(kernel: string): Point | undefined {
    return this.byName.get(kernel);
  }

  /** Takes these tables, and no others, from the next dispatch on; the first that has an entry decides. */
  use(...tables: readonly TuningTable[]): void {
    this.tables = tables;
  }

  /** The measured choice of an entry. */
  measured(entry: () => string): Choice | undefined {
    if (this.tables.length === 0) return undefined;
    const name = entry();
    for (const table of this.tables) if (Object.hasOwn(table, name)) return parseChoice(table[name]);
    return undefined;
  }

  /** All measured choices in one table: what a run notes so that it can be repeated bit for bit. */
  get table(): TuningTable {
    return Object.assign({}, ...this.tables.toReversed());
  }
}
