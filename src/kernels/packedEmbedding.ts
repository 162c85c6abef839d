import { type Call, defineOp } from '../tensor/op.ts';
import { PackedReader, QuantizedMatrix } from '../tensor/operands/quantized.ts';
import type { ShaderContext } from '../tensor/shader.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type EmbeddingInputs, embedding } from './embedding.ts';
import { defineEach } from './skeleton/each.ts';

const tokensOf = ({ packed }: ShaderContext): PackedReader => new PackedReader('tokens', packed.tokens, 'params.C');

/** One invocation an element.   ids: (R) u32 with R = B T, begin: (B) u32, tokens: (V, C) packed, positions: (S, C), y: (R, C) */
const gather = defineEach({
  name: 'packedEmbedding',
  bind: { ids: 'read u32', begin: 'read? u32', tokens: 'operand', positions: 'read?', y: 'write' },
  params: { R: 'u32', C: 'u32', T: 'u32', V: 'u32', S: 'u32' },
  each: ['R', 'C'],
  functions: (context) => tokensOf(context).functions,
  body: (context) => /* wgsl */ `
  let row = i / params.C;
  let c = i % params.C;
  let id = ids[row];
  let place = ${context.has.begin ? 'begin[row / params.T] + ' : ''}row % params.T;
  var value = 0.0;
  if (id < params.V) { value = ${tokensOf(context).at('id', 'c')}; }
  ${context.has.positions ? 'if (place < params.S) { value += positions[place * params.C + c]; }' : ''}
  y[i] = value;`,
});

/** `embedding` from a packed table (QuantizedMatrix), which is the head's too where they are tied. Not differentiable. */
export const packedEmbedding = defineOp<EmbeddingInputs>({
  name: 'packedEmbedding',
  inputs: ['ids', 'tokens', 'positions?', 'start?'],
  shape: embedding.definition.shape,
  run: {
    naive: ({ inputs: { ids, tokens, positions, start }, output: y }: Call<EmbeddingInputs>) => {
      const [B, T, C] = y.shape;
      const sizes = { R: B * T, C, T, V: tokens.shape[0], S: positions?.shape[0] ?? 0 };
      gather({ ids, begin: start, tokens, positions, y }, sizes);
    },
  },
  reference: embedding.definition.reference,
  cases: [
    [{ ids: { shape: [1, 1], below: 1 }, tokens: { shape: [1, 1], packed: 'int8' } }],
    [{ ids: { shape: [2, 5], below: 7 }, tokens: { shape: [7, 67], packed: 'int4' }, positions: [5, 67] }],
    [
      {
        ...{ ids: { shape: [3, 7], below: 14 }, tokens: { shape: [13, 139], packed: 'int8' } },
        ...{ positions: [12, 139], start: { shape: [3], below: 9 } },
      },
    ],
    [{ ids: { shape: [2, 3], below: 5 }, tokens: { shape: [5, 12], packed: 'f16' } }],
  ],
  operations: 1,
});

/** The embeddings of tokens and places, however the table of the tokens is held. */
export const embed = (inputs: EmbeddingInputs): Tensor =>
  (inputs.tokens instanceof QuantizedMatrix ? packedEmbedding : embedding)(inputs);
