import { defineKernel, type Kernel, type KernelSpec } from '../../tensor/kernel.ts';
import type { Bindings, ShaderContext } from '../../tensor/shader.ts';
import { vectorFunctions } from './text.ts';

interface EachSpec<B extends Bindings, P extends string>
  extends Pick<KernelSpec<B, P, EachPoint>, 'name' | 'bind' | 'params' | 'lengths' | 'width' | 'constants'> {
  /** There is an `i` for each number below the product of these params. */
  each: readonly NoInfer<P>[];
  /** Functions that the body calls. */
  functions?: Text<B>;
  /** What is done for each `i`. */
  body: Text<B>;
}

type Text<B extends Bindings> = string | ((context: ShaderContext<B>) => string);
type EachPoint = { EACH: number };

const textOf = <B extends Bindings>(text: Text<B> | undefined, context: ShaderContext<B>): string =>
  typeof text === 'function' ? text(context) : (text ?? '');

/** Invocations of a workgroup. */
const GROUP = 64;

/**
 * A kernel that does the same for each `i` of a range. Plain, an invocation has one `i`, which its body may end early by
 * `return`. With `lengths` it works on vectors where they allow, and an invocation has EACH of them: workgroups are dear on
 * software adapters, where 16 take 0.85 of the time of 4; a body that writes gradients then has `accumulate` compiled in,
 * for SwiftShader would run both branches, which takes twice as long.
 */
export function defineEach<const B extends Bindings, P extends string>({
  each,
  functions,
  body,
  ...spec
}: EachSpec<B, P>): Kernel<B, P, EachPoint> {
  const several = spec.lengths !== undefined;
  const count = each.map((name) => `params.${name}`).join(' * ');
  return defineKernel<B, P, EachPoint>({
    ...spec,
    ...(several && {
      tune: { EACH: [4, 16] },
      prefer: ({ software }) => ({ EACH: software ? 16 : 4 }),
      constants: (params: Record<string, number>) => ({ accumulate: params.accumulate ?? 0 }),
    }),
    grid: (params, { EACH = 1 }) =>
      Math.ceil(each.reduce((product, name) => product * params[name], 1) / (GROUP * EACH)),
    wgsl: ({ EACH }, context) => /* wgsl */ `${several ? vectorFunctions(context.width) : ''}
${textOf(functions, context)}
@compute @workgroup_size(${GROUP})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {${(several ? inStretches(EACH) : once)(count, textOf(body, context))}
}`,
  });
}

const once = (count: string, body: string): string => /* wgsl */ `
  let i = groupIndex(group, groups) * ${GROUP}u + lane;
  if (i >= ${count}) { return; }
  ${body}`;

const inStretches =
  (EACH: number) =>
  (count: string, body: string): string =>
    /* wgsl */ `
  let start = groupIndex(group, groups) * ${GROUP * EACH}u + lane;
  let end = min(start + ${GROUP * EACH}u, ${count});
  for (var i = start; i < end; i += ${GROUP}u) {
    ${body}
  }`;
