import type { Access } from '../gpu/pipeline.ts';
import type { Capabilities } from './capabilities.ts';
import type { PackedForm } from './operands/quantized.ts';
import { defineStruct, type Member, type Struct } from './struct.ts';
import type { Point } from './tuning/table.ts';

type ReadOrWrite = 'read' | 'write';

/**
 * How a kernel binds a tensor: an access, then the WGSL element type where it is not f32 ("read u32", "write vec4<f32>"). A
 * binding marked "?" may be absent: it is then not declared, and the shader is told (see `ShaderContext.has`). `T` is f32 or
 * vec4<f32>, by the kernel's width. An `operand` is a buffer to read, of elements that the shader knows as `Operand`: f32, or
 * f16 where the engine's precision is mixed (see `operands/half.ts`); at tuning points with IMAGE = 1 it is a texture (see
 * `operands/image.ts`), and at all points where it is packed: see `ShaderContext.packed`. A struct is bound as one,
 * or as an array of them.
 */
export type Binding =
  | 'operand'
  | `${ReadOrWrite}${'' | '?'}${'' | ` ${'u32' | 'vec4<f32>' | 'atomic<u32>' | 'T'}`}`
  | { readonly access: ReadOrWrite; readonly struct: Struct; readonly array?: true };

/** Bindings in order: the WGSL declarations, the layout and the arguments all come from here. Each is a WGSL variable. */
export type Bindings = Readonly<Record<string, Binding>>;

/** Names of bindings that may be absent. */
export type OptionalNames<B extends Bindings> = {
  [K in keyof B]: B[K] extends `${string}?${string}` ? K : never;
}[keyof B];

/** What WGSL must be told that a shader uses. */
export type Extension = 'subgroups' | 'f16' | 'chromium_experimental_subgroup_matrix';

/** What a shader is written for, beside its tuning point. */
export interface ShaderContext<B extends Bindings = Bindings> {
  readonly adapter: Capabilities;
  /** Which bindings are there. */
  readonly has: Readonly<Record<keyof B & string, boolean>>;
  /** The numbers that are compiled in. */
  readonly constants: Readonly<Record<string, number>>;
  /** The operands that are packed, and how: `PackedReader` reads them. */
  readonly packed: Readonly<Record<string, PackedForm>>;
  /** Numbers of an element `T`: 1 for f32, 4 for vec4<f32>. */
  readonly width: 1 | 4;
}

/** What the text of a shader comes from. */
export interface ShaderSpec<B extends Bindings, P extends string, T extends Point> {
  bind: B;
  /** Members of the uniform struct `params`. */
  params: Readonly<Record<P, Member>>;
  /** The extensions of WGSL that a point uses; f16 operands need not be named. */
  enable?: (point: T, context: ShaderContext<B>) => readonly Extension[];
  /** The shader, from the declarations on: entry point `main`. */
  wgsl: (point: T, context: ShaderContext<B>) => string;
}

/** The WGSL of every kernel begins with this. `groupIndex` undoes the folding of one-axis grids; indices past the end must be tested. */
const PRELUDE = /* wgsl */ `
fn groupIndex(group: vec3<u32>, groups: vec3<u32>) -> u32 { return group.x + group.y * groups.x; }
`;

/** Whether a binding may be absent. */
export const isOptional = (binding: Binding): boolean => typeof binding === 'string' && binding.includes('?');

/** Whether a binding is written. */
export const isWritten = (binding: Binding): boolean =>
  (typeof binding === 'string' ? binding : binding.access).startsWith('write');

/** Whether some binding is an operand. */
export const hasOperands = (bind: Bindings): boolean => Object.values(bind).includes('operand');

function accessOf(binding: Binding, point: Point, packed: boolean): Access {
  if (packed) return 'packed image';
  if (binding === 'operand') return point.IMAGE ? 'image' : 'read';
  return isWritten(binding) ? 'write' : 'read';
}

/** The WGSL type of a binding. */
function typeOf(binding: Binding): string {
  if (typeof binding !== 'string') return binding.array ? `array<${binding.struct.name}>` : binding.struct.name;
  return binding === 'operand' ? 'array<Operand>' : `array<${binding.split(' ')[1] ?? 'f32'}>`;
}

function declareBinding(name: string, binding: Binding, i: number, access: Access): string {
  const texels = access === 'image' ? 'rgba32float' : access === 'packed image' ? 'rgba32uint' : undefined;
  if (texels) return `@group(0) @binding(${i}) var ${name}: texture_storage_2d<${texels}, read>;`;
  const struct = typeof binding === 'string' ? '' : `${binding.struct.wgsl}\n`;
  const mode = access === 'read' ? 'read' : 'read_write';
  return `${struct}@group(0) @binding(${i}) var<storage, ${mode}> ${name}: ${typeOf(binding)};`;
}

/** Aliases of the element types that the bindings name. */
function declareTypes(bind: Bindings, operand: string, width: 1 | 4): string[] {
  const vectors = Object.values(bind).some((binding) => typeof binding === 'string' && binding.endsWith(' T'));
  return [
    ...(vectors ? [`alias T = ${width === 4 ? 'vec4<f32>' : 'f32'};`, `const WIDTH = ${width}u;`] : []),
    ...(hasOperands(bind) ? [`alias Operand = ${operand};`] : []),
  ];
}

/** Writes the shader of a kernel at a point, and how its bindings are accessed: in order, those that are there, then the params. */
export function writeShader<B extends Bindings, P extends string, T extends Point>(
  spec: ShaderSpec<B, P, T>,
  point: T,
  context: ShaderContext<B>,
): { wgsl: string; bindings: Access[] } {
  const { bind, params } = spec;
  const names = Object.keys(bind).filter((name) => context.has[name]);
  const bindings = names.map((name) => accessOf(bind[name], point, name in context.packed));
  const lines = names.map((name, i) => declareBinding(name, bind[name], i, bindings[i]));
  if (Object.keys(params).length > 0) {
    lines.push(defineStruct('Params', params).wgsl, `@group(0) @binding(${names.length}) var<uniform> params: Params;`);
    bindings.push('uniform');
  }
  const operand = context.adapter.precision === 'mixed' && !point.IMAGE ? 'f16' : 'f32';
  const enabled = new Set(spec.enable?.(point, context));
  if (hasOperands(bind) && operand === 'f16') enabled.add('f16');
  const head = [
    ...[...enabled].map((extension) => `enable ${extension};`),
    ...declareTypes(bind, operand, context.width),
    ...lines,
  ];
  return { wgsl: `${head.join('\n')}${PRELUDE}${spec.wgsl(point, context)}`, bindings };
}
