import type { Binding, Capabilities } from '../../tensor/kernel.ts';
import { defineVectors, type VectorRun } from './snippets.ts';

/*
 * Kernels along rows that load each element once. A workgroup is LANES invocations, which share a row, and walks over a run of
 * rows; where a row is short enough, each lane keeps its columns in registers. What belongs to the columns (the weights of a
 * norm) is then loaded once for all rows of a workgroup, and sums down the rows stay in registers as well.
 *
 * On lavapipe a load of a vector by 8 lanes costs some 23 ns, a store 36, a round of a loop 14 and a workgroup up to 1.3 us: softmax
 * at (3072, 256) takes half of the time that it takes with three walks over the row in a loop.
 */

/** Rows, columns, workgroups. */
type Sizes = Record<'R' | 'C' | 'G', number>;
type Point = { LANES: number };

/**
 * Values and sums that a lane keeps at most, over all of its columns. On software adapters compilers take longer the more
 * lanes are kept: on lavapipe 16 values of 8 lanes take 0.4 s, 32 take 3, and with 48 the gradient of a norm is 1.4 times as
 * fast as without any (with 16, twice).
 */
const mostHeld = (lanes: number, { software }: Capabilities): number => (software ? Math.floor(192 / lanes) : 24);

/** Columns (or vectors of them) a lane, up to which GPUs give a row to a subgroup. */
const SUBGROUP_HOLDS = 4;

/** Rows (of elements or vectors) up to this length get kernels of their own. */
const LONGEST = 4096;

const lanesOf = ({ LANES }: Point, { subgroupSize }: Capabilities): number => LANES || subgroupSize;

/** LANES 0 stands for one subgroup, which reduces without workgroup memory or barriers: they are dear on software adapters. */
const layout = {
  tune: { LANES: [0, 64, 256] },
  valid: (point: Point, adapter: Capabilities): boolean => {
    const lanes = lanesOf(point, adapter);
    return lanes > 0 && lanes <= adapter.workgroupInvocations;
  },
  prefer: (adapter: Capabilities, { C }: Record<string, number>): Point => {
    const { software, subgroupSize } = adapter;
    if (subgroupSize > 0 && (software || C <= SUBGROUP_HOLDS * subgroupSize)) return { LANES: 0 };
    return { LANES: software || C <= 256 ? 64 : 256 };
  },
  grid: ({ G }: Record<string, number>): number => G,
};

/** Workgroups for R rows (G): few on software adapters, where each has its price, and enough to fill a GPU. */
export const rowGroups = ({ software }: Capabilities, R: number): number => Math.min(R, software ? 32 : 4096);

/** The same where sums down the rows are made, which a second kernel adds up. */
export const rowChunks = ({ software }: Capabilities, R: number): number => Math.min(R, software ? 32 : 512);

/** How the body of a kernel over rows is written: what these return is WGSL. `c` is the column, in elements or vectors. */
export interface RowText {
  /** Names what each column has: computed once where it is held, else wherever it is used. */
  value: (name: string, expression: string) => string;
  /** Statements for each column of the lane; they see the values named so far. */
  each: (statements: string) => string;
  /** Whether a flag is 1. */
  has: (flag: string) => boolean;
  /** Whether the row is held, and using a value again costs nothing. */
  readonly held: boolean;
}

interface RowSpec<B extends string, P extends string> {
  name: string;
  bind: Record<B, Binding>;
  params: Record<P | 'R' | 'C' | 'G', 'u32' | 'f32'>;
  /** Bindings that stay f32. */
  scalars?: readonly NoInfer<B>[];
  /** Params of 0 or 1 that are compiled in. */
  flags?: readonly NoInfer<P>[];
  /** Values that are the same for all rows. */
  columns?: (text: RowText) => string;
  /** Sums down the rows of a workgroup: where those of column `c` of workgroup `chunk` go. The body adds to `*name`. */
  sums?: (text: RowText) => Record<string, string>;
  /** For each `row`: sees `start`, `lane` and `columns`, and may call rowSum(lane, f32) and rowMax(lane, f32) outside of branches. */
  body: (text: RowText) => string;
}

/** A kernel over R rows of C columns in G workgroups; on vectors of four where C is a multiple of four. */
export function defineRows<B extends string, P extends string>({
  flags = [],
  columns = () => '',
  sums = () => ({}),
  body,
  ...spec
}: RowSpec<B, P>): VectorRun<B, P | keyof Sizes> {
  const parts = { columns, sums, body };
  const chosen = (params: Record<string, number>): number => flags.reduce((bits, flag) => 2 * bits + params[flag], 0);
  return defineVectors<B, P | keyof Sizes, Point>({
    ...spec,
    ...layout,
    lengths: ['C'],
    form: (params) => (params.C <= LONGEST ? params.C : 0) * 2 ** flags.length + chosen(params),
    wgsl: (point, adapter, form) => {
      const set = flags.filter((_, i) => (form >> (flags.length - 1 - i)) & 1);
      const [width, lanes] = [form >> flags.length, lanesOf(point, adapter)];
      const held = new Held(set, width, lanes);
      const most = mostHeld(lanes, adapter);
      const text = width > 0 && width <= most * lanes && shader(point, lanes, held, parts);
      return text && held.kept <= most ? text : shader(point, lanes, new Walked(set), parts);
    },
  });
}

type Parts = Required<Pick<RowSpec<string, string>, 'columns' | 'sums' | 'body'>>;

function shader({ LANES }: Point, lanes: number, text: Held | Walked, { columns, sums, body }: Parts): string {
  const reduction = LANES === 0 ? throughSubgroup : throughMemory;
  return /* wgsl */ `
const LANES = ${lanes}u;
var<workgroup> exchange: array<f32, LANES>;
${reduction('rowSum', 'subgroupAdd', (a, b) => `${a} + ${b}`)}
${reduction('rowMax', 'subgroupMax', (a, b) => `max(${a}, ${b})`)}
@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  ${text.width}
  let chunk = group.x;
  let size = (params.R + groups.x - 1u) / groups.x;
  let last = min((chunk + 1u) * size, params.R);
  ${columns(text)}
  ${text.begin(sums(text))}
  for (var row = chunk * size; row < last; row++) {
    let start = row * columns;
    ${body(text)}
  }
  ${text.end()}
}`;
}

const throughSubgroup = (name: string, operation: string): string =>
  `fn ${name}(lane: u32, value: f32) -> f32 { return ${operation}(value); }`;

const throughMemory = (name: string, _: string, combine: (a: string, b: string) => string): string => /* wgsl */ `
fn ${name}(lane: u32, value: f32) -> f32 {
  exchange[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { exchange[lane] = ${combine('exchange[lane]', 'exchange[lane + half]')}; }
    workgroupBarrier();
  }
  let result = exchange[0];
  workgroupBarrier();
  return result;
}`;

/** A lane's columns in registers, its loops written out: element i is column lane + i LANES. */
class Held implements RowText {
  readonly held = true;
  readonly width: string;
  /** Registers that it takes. */
  kept = 0;
  private seen = '';
  private sums: [name: string, place: string][] = [];

  constructor(
    private readonly flags: readonly string[],
    private readonly columns: number,
    private readonly lanes: number,
  ) {
    this.width = `const columns = ${columns}u;`;
  }

  value = (name: string, expression: string): string => {
    const text = this.unrolled((i) => `${name}_${i} = ${expression};`);
    const declared = this.declared(name);
    this.seen += `let ${name} = ${name}_#; `;
    return `${declared} ${text}`;
  };

  each = (statements: string): string => this.unrolled(() => statements);

  has = (flag: string): boolean => this.flags.includes(flag);

  begin(sums: Record<string, string>): string {
    this.sums = Object.entries(sums);
    for (const [name] of this.sums) this.seen += `let ${name} = &${name}_#; `;
    return this.sums.map(([name]) => this.declared(name)).join('\n');
  }

  end = (): string => {
    const stores = (i: number): string => this.sums.map(([name, place]) => `${place} = ${name}_${i};`).join(' ');
    return this.sums.length > 0 ? this.unrolled(stores, '') : '';
  };

  private declared(name: string): string {
    this.kept += this.count;
    return Array.from({ length: this.count }, (_, i) => `var ${name}_${i} = T();`).join(' ');
  }

  private unrolled(statements: (i: number) => string, seen = this.seen): string {
    const block = (i: number): string =>
      `{ let c = lane + ${i * this.lanes}u; ${seen.replaceAll('#', `${i}`)} ${statements(i)} }`;
    const guard = (i: number): string =>
      (i + 1) * this.lanes <= this.columns ? '' : `if (lane < ${this.columns - i * this.lanes}u) `;
    return Array.from({ length: this.count }, (_, i) => guard(i) + block(i)).join('\n    ');
  }

  private get count(): number {
    return Math.ceil(this.columns / this.lanes);
  }
}

/** Rows that are too long for that: each loop reads them again, and sums are added to where they go. */
class Walked implements RowText {
  readonly held = false;
  readonly width = 'let columns = params.C;';
  private seen = '';

  constructor(private readonly flags: readonly string[]) {}

  value = (name: string, expression: string): string => {
    this.seen += `let ${name} = ${expression}; `;
    return '';
  };

  each = (statements: string): string => `for (var c = lane; c < columns; c += LANES) { ${this.seen} ${statements} }`;

  has = (flag: string): boolean => this.flags.includes(flag);

  begin(sums: Record<string, string>): string {
    const places = Object.entries(sums);
    const text = places.length > 0 ? this.each(places.map(([, place]) => `${place} = T();`).join(' ')) : '';
    for (const [name, place] of places) this.seen += `let ${name} = &${place}; `;
    return text;
  }

  end = (): string => '';
}
