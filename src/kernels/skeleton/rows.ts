import type { Capabilities } from '../../tensor/capabilities.ts';
import { defineKernel, type Kernel, type KernelSpec } from '../../tensor/kernel.ts';
import type { Bindings, ShaderContext } from '../../tensor/shader.ts';
import { range, vectorFunctions } from './text.ts';

/*
 * Kernels along the rows of (R, C). A workgroup is LANES invocations, which share a row, and walks over a run of rows; where a
 * row is short enough, each lane keeps its columns in registers, and each element is loaded once. What belongs to the columns
 * (the weights of a norm) is then loaded once for all rows of a workgroup, and sums down the rows stay in registers as well.
 *
 * On lavapipe a load of a vector by 8 lanes costs some 23 ns, a store 36, a round of a loop 14 and a workgroup up to 1.3 us: softmax
 * at (3072, 256) takes half of the time that it takes with three walks over the row in a loop.
 */

type RowPoint = { LANES: number };
type RowParams = Record<'R' | 'C', number>;

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

/** The length of the rows, where they get kernels of their own. */
const lengthOf = ({ C }: RowParams): number => (C <= LONGEST ? C : 0);

const lanesOf = ({ LANES }: RowPoint, { subgroupSize }: Capabilities): number => LANES || subgroupSize;

/** Workgroups for R rows: few on software adapters, where each has its price, and enough to fill a GPU. */
const rowGroups = ({ software }: Capabilities, R: number): number => Math.min(R, software ? 32 : 4096);

/** The same where sums down the rows are made, which a second kernel adds up. */
export const rowChunks = ({ software }: Capabilities, R: number): number => Math.min(R, software ? 32 : 512);

/** LANES 0 stands for one subgroup, which reduces without workgroup memory or barriers: they are dear on software adapters. */
const layout = {
  tune: { LANES: [0, 64, 256] },
  valid: (point: RowPoint, adapter: Capabilities): boolean => {
    const lanes = lanesOf(point, adapter);
    return lanes > 0 && lanes <= adapter.workgroupInvocations;
  },
  prefer: (adapter: Capabilities, { C }: Record<string, number>): RowPoint => {
    const { software, subgroupSize } = adapter;
    if (subgroupSize > 0 && (software || C <= SUBGROUP_HOLDS * subgroupSize)) return { LANES: 0 };
    return { LANES: software || C <= 256 ? 64 : 256 };
  },
  enable: ({ LANES }: RowPoint) => (LANES === 0 ? (['subgroups'] as const) : []),
};

/** How the body of a kernel over rows is written: what these return is WGSL. `c` is the column, of T. */
export interface RowText<B extends Bindings = Bindings> extends Pick<ShaderContext<B>, 'has' | 'constants'> {
  /** Names what each column has: computed once where it is held, else wherever it is used. */
  value: (name: string, expression: string) => string;
  /** Statements for each column of the lane; they see the values named so far. */
  each: (statements: string) => string;
  /** Whether the row is held, and using a value again costs nothing. */
  readonly held: boolean;
}

interface RowSpec<B extends Bindings, P extends string>
  extends Pick<KernelSpec<B, P | 'R' | 'C', RowPoint>, 'name' | 'bind' | 'params' | 'constants'> {
  /** Whether rows may be held in registers, as they are unless told: not where a column's statements are a loop. */
  held?: false;
  /** Where sums down the rows are made. */
  chunks?: true;
  functions?: string;
  /** Values that are the same for all rows. */
  columns?: (text: RowText<B>) => string;
  /** Sums down the rows of a workgroup: where those of column `c` of workgroup `chunk` go. The body adds to `*name`. */
  sums?: (text: RowText<B>) => Record<string, string>;
  /** For each `row`: sees `start`, `lane` and `columns`, and may call rowSum(lane, f32) and rowMax(lane, f32) outside of branches. */
  body: (text: RowText<B>) => string;
}

type Parts<B extends Bindings> = Required<Pick<RowSpec<B, never>, 'functions' | 'columns' | 'sums' | 'body'>>;

/** A kernel over R rows of C columns; on vectors of four where C is a multiple of four. */
export function defineRows<const B extends Bindings, P extends string>({
  held: mayHold,
  chunks,
  functions = '',
  columns = () => '',
  sums = () => ({}),
  body,
  ...spec
}: RowSpec<B, P>): Kernel<B, P | 'R' | 'C', RowPoint> {
  const parts: Parts<B> = { functions, columns, sums, body };
  return defineKernel<B, P | 'R' | 'C', RowPoint>({
    ...spec,
    ...layout,
    lengths: ['C'],
    grid: (params, _, adapter) => (chunks ? rowChunks : rowGroups)(adapter, (params as RowParams).R),
    constants: (params) => ({ ...spec.constants?.(params), C: lengthOf(params as RowParams) }),
    wgsl: (point, context) => {
      const { C } = context.constants;
      const lanes = lanesOf(point, context.adapter);
      const most = mostHeld(lanes, context.adapter);
      const held = new Held(context, C, lanes);
      const text = mayHold !== false && C > 0 && C <= most * lanes && shader(point, lanes, held, context, parts);
      return text && held.kept <= most ? text : shader(point, lanes, new Walked(context), context, parts);
    },
  });
}

function shader<B extends Bindings>(
  { LANES }: RowPoint,
  lanes: number,
  text: Held<B> | Walked<B>,
  { width }: ShaderContext<B>,
  { functions, columns, sums, body }: Parts<B>,
): string {
  const reduction = LANES === 0 ? throughSubgroup : throughMemory;
  return /* wgsl */ `${vectorFunctions(width)}
const LANES = ${lanes}u;
${LANES === 0 ? '' : 'var<workgroup> exchange: array<f32, LANES>;'}
${reduction('rowSum', 'subgroupAdd', (a, b) => `${a} + ${b}`)}
${reduction('rowMax', 'subgroupMax', (a, b) => `max(${a}, ${b})`)}
${functions}
@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  ${text.length}
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
class Held<B extends Bindings> implements RowText<B> {
  readonly held = true;
  readonly has: ShaderContext<B>['has'];
  readonly constants: ShaderContext<B>['constants'];
  readonly length: string;
  /** Registers that it takes. */
  kept = 0;
  private seen = '';
  private sums: [name: string, place: string][] = [];

  constructor(
    { has, constants }: ShaderContext<B>,
    private readonly columns: number,
    private readonly lanes: number,
  ) {
    [this.has, this.constants] = [has, constants];
    this.length = `const columns = ${columns}u;`;
  }

  value = (name: string, expression: string): string => {
    const text = this.unrolled((i) => `${name}_${i} = ${expression};`);
    const declared = this.declared(name);
    this.seen += `let ${name} = ${name}_#; `;
    return `${declared} ${text}`;
  };

  each = (statements: string): string => this.unrolled(() => statements);

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
    return range(this.count)
      .map((i) => `var ${name}_${i} = T();`)
      .join(' ');
  }

  private unrolled(statements: (i: number) => string, seen = this.seen): string {
    const block = (i: number): string =>
      `{ let c = lane + ${i * this.lanes}u; ${seen.replaceAll('#', `${i}`)} ${statements(i)} }`;
    const guard = (i: number): string =>
      (i + 1) * this.lanes <= this.columns ? '' : `if (lane < ${this.columns - i * this.lanes}u) `;
    return range(this.count)
      .map((i) => guard(i) + block(i))
      .join('\n    ');
  }

  private get count(): number {
    return Math.ceil(this.columns / this.lanes);
  }
}

/** Rows that are too long for that: each loop reads them again, and sums are added to where they go. */
class Walked<B extends Bindings> implements RowText<B> {
  readonly held = false;
  readonly has: ShaderContext<B>['has'];
  readonly constants: ShaderContext<B>['constants'];
  readonly length = 'let columns = params.C;';
  private seen = '';

  constructor({ has, constants }: ShaderContext<B>) {
    [this.has, this.constants] = [has, constants];
  }

  value = (name: string, expression: string): string => {
    this.seen += `let ${name} = ${expression}; `;
    return '';
  };

  each = (statements: string): string => `for (var c = lane; c < columns; c += LANES) { ${this.seen} ${statements} }`;

  begin(sums: Record<string, string>): string {
    const places = Object.entries(sums);
    const text = places.length > 0 ? this.each(places.map(([, place]) => `${place} = T();`).join(' ')) : '';
    for (const [name, place] of places) this.seen += `let ${name} = &${place}; `;
    return text;
  }

  end = (): string => '';
}
