import { describe, expect, it } from 'vitest';
import { BASE_HASH, fromPeftConfig, fromPeftTensors, toPeftConfig, toPeftTensors } from '../../src/export/peft.ts';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '../../src/export/safetensors.ts';
import { type LoraSettings, linearLayers, targetsOf } from '../../src/model/lora.ts';
import { STYLES } from '../../src/model/styles.ts';
import { smallConfig } from '../helpers/models.ts';
import { normalNumbers } from '../helpers/numbers.ts';

const settings = (style: string, targets?: string[]): LoraSettings => ({
  ...{ rank: 2, alpha: 4, dropout: 0.1, targets: targets ?? targetsOf({ style }) },
});

const layersOf = (style: string) => linearLayers(smallConfig(style));

const tensorsOf = (style: string): NamedTensor[] =>
  layersOf(style).flatMap(({ name, inner, outer }, i) => [
    { name: `${name}.lora_A.weight`, shape: [2, inner], data: normalNumbers([2, inner], 2 * i) },
    { name: `${name}.lora_B.weight`, shape: [outer, 2], data: normalNumbers([outer, 2], 2 * i + 1) },
  ]);

/** A file of adapters, changed by `change`, as it is read back. */
function reread(style: string, change: (tensors: NamedTensor[]) => NamedTensor[] = (all) => all) {
  const pieces = encodeSafetensors(change(toPeftTensors(layersOf(style), tensorsOf(style))), { [BASE_HASH]: 'abc' });
  return decodeSafetensors(Buffer.concat(pieces), 'adapter_model.safetensors');
}
const read = (style: string, file = reread(style), hash?: string) =>
  fromPeftTensors(file, layersOf(style), { rank: 2 }, hash);

describe.each(Object.keys(STYLES))('adapters of the %s style', (style) => {
  it('come back from their files as they were', () => {
    const json = JSON.parse(JSON.stringify(toPeftConfig(settings(style), smallConfig(style), '../base')));
    expect(fromPeftConfig(json, smallConfig(style))).toEqual(settings(style));
    const back = read(style);
    expect([...back.keys()]).toEqual(tensorsOf(style).map(({ name }) => name));
    for (const { name, data } of tensorsOf(style)) expect(back.get(name), name).toEqual(data);
  });

  it('of one layer alone keep its full name', () => {
    const [{ name }] = layersOf(style);
    const some = settings(style, [name]);
    expect(fromPeftConfig(toPeftConfig(some, smallConfig(style), ''), smallConfig(style))).toEqual(some);
  });
});

it("have PEFT's names and layouts", () => {
  const gpt2 = new Map([...reread('gpt2').tensors].map(([name, { shape }]) => [name, shape]));
  expect(gpt2.get('base_model.model.transformer.h.0.attn.c_attn.lora_A.weight')).toEqual([2, 24]);
  expect(gpt2.get('base_model.model.transformer.h.0.attn.c_attn.lora_B.weight')).toEqual([72, 2]);
  const { tensors } = reread('llama');
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((part) => `base_model.model.model.layers.1.self_attn.${part}`);
  expect([q, k, v].map((part) => tensors.get(`${part}.lora_B.weight`)!.shape[0])).toEqual([24, 12, 12]);
  expect(tensors.get(`${k}.lora_A.weight`)!.data).toEqual(tensors.get(`${q}.lora_A.weight`)!.data);
  expect(toPeftConfig(settings('llama'), smallConfig('llama'), 'base')).toMatchObject({
    ...{ peft_type: 'LORA', base_model_name_or_path: 'base', r: 2, lora_alpha: 4, fan_in_fan_out: false },
    target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  });
});

it('takes what PEFT takes where a config is silent', () => {
  const json = { peft_type: 'LORA', r: 2, target_modules: ['c_attn'] };
  expect(fromPeftConfig(json, smallConfig('gpt2'))).toEqual({
    ...{ rank: 2, alpha: 8, dropout: 0, targets: ['c_attn'] },
  });
});

it.each<[string, string, string[] | undefined]>([
  ['llama', 'all-linear', undefined],
  ['gpt2', 'all-linear', undefined],
  ['llama', '.*\\.(o_proj|down_proj)', ['o_proj', 'down_proj']],
  ['llama', 'model.layers.\\d+.self_attn.[qkv]_proj', ['qkv']],
  ['gpt2', 'transformer\\.h\\.1\\.attn\\.c_attn', ['transformer.h.1.attn.c_attn']],
])('of %s it reads target_modules %j as PEFT does', (style, target_modules, targets) => {
  const of = style as 'gpt2' | 'llama';
  const json = { ...toPeftConfig(settings(of), smallConfig(of), 'base'), target_modules };
  expect(fromPeftConfig(json, smallConfig(of)).targets).toEqual(targets ?? targetsOf({ style: of }));
});

describe('what cannot be used is refused in a sentence:', () => {
  const config = (more: object): unknown => ({
    ...toPeftConfig(settings('llama'), smallConfig('llama'), 'base'),
    ...more,
  });
  it.each([
    [{ target_modules: ['c_attn'] }, 'the model has no layer "c_attn" that could have an adapter'],
    [{ target_modules: ['q_proj', 'v_proj'] }, 'self_attn.k_proj has no adapter, but the layers beside it do'],
    [{ target_modules: {} }, 'target_modules must be a list of the names of layers, "all-linear" or a pattern; got {}'],
    [{ target_modules: 'q_proj' }, 'the model has no layer "q_proj" that could have an adapter'],
    [{ target_modules: '.*\\.[qv]_proj' }, 'self_attn.k_proj has no adapter, but the layers beside it do'],
    [{ target_modules: '(.*)*x' }, 'target_modules, "(.*)*x", is no pattern that is understood here: list the names'],
    [{ target_modules: '(a|a)'.repeat(30) }, 'is no pattern that is understood here'],
    [{ target_modules: '(o_proj' }, 'is no pattern that is understood here'],
    [{ exclude_modules: ['o_proj'] }, 'exclude_modules must be null; got ["o_proj"]'],
    [{ target_modules: ['\x1b[2J\x9b'.repeat(1000)] }, 'the model has no layer "\\u001b[2J\\u009b'],
    [{ peft_type: 'IA3' }, 'peft_type must be "LORA"; got "IA3"'],
    [{ r: 0 }, 'r must be a whole number from 1 to 16,384; got 0'],
    [
      { init_lora_weights: 'pissa' },
      'init_lora_weights must be one of true, false, gaussian, eva, orthogonal; got "pissa"',
    ],
    [{ use_dora: true }, 'use_dora must be false; got true'],
    [{ modules_to_save: ['lm_head'] }, 'modules_to_save must be null; got ["lm_head"]'],
    [{ rank_pattern: { q_proj: 4 } }, 'rank_pattern gives layers ranks of their own'],
  ])('a config with %j', (more, sentence) => {
    expect(() => fromPeftConfig(config(more), smallConfig('llama'))).toThrow(sentence);
  });

  it('a file of another base, rank or model', () => {
    expect(() => read('gpt2', reread('gpt2'), 'def')).toThrow('was made for other weights than these');
    expect(() => read('gpt2', reread('gpt2'), 'abc')).not.toThrow();
    expect(() => fromPeftTensors(reread('gpt2'), layersOf('gpt2'), { rank: 3 })).toThrow('and (3, 24) is needed');
    expect(() => read('gpt2', reread('llama'))).toThrow('has no tensor "base_model.model.transformer.h.0.attn.c_attn');
    const extra = { name: 'more', shape: [1], data: new Float32Array(1) };
    expect(() =>
      read(
        'gpt2',
        reread('gpt2', (all) => [...all, extra]),
      ),
    ).toThrow('holds a tensor "more"');
  });

  it('parts of a stack with matrices of their own', () => {
    const other = (tensors: NamedTensor[]) =>
      tensors.map((one) =>
        one.name.endsWith('0.self_attn.k_proj.lora_A.weight') ? { ...one, data: one.data.map((x) => x + 1) } : one,
      );
    expect(() => read('llama', reread('llama', other))).toThrow('have different matrices A, but work as one layer');
  });
});
