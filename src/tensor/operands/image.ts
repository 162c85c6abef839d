import { ALIGNMENT_BYTES, Image } from '../../gpu/memory.ts';
import { ELEMENT_BYTES, type Tensor } from '../tensor.ts';

/** A dense row-major matrix in a tensor's memory. */
export interface Matrix {
  rows: number;
  cols: number;
  /** The memory holds the transpose, (cols, rows): the image is turned when it is made. */
  transposed?: boolean;
}

/** Columns a texel. */
const TEXEL = 4;

/** Whether an adapter's textures can hold a matrix. */
export const fitsImage = ({ rows, cols }: Matrix, textureSide: number): boolean =>
  rows <= textureSide && new Image(Math.ceil(cols / TEXEL), rows).pitch <= textureSide;

/** Copies a matrix of any width, or its transpose, into an image; the last texel of a row is filled up with zeros. */
const PACK = /* wgsl */ `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var image: texture_storage_2d<rgba32float, write>;
struct Params { rows: u32, cols: u32, down: u32, across: u32, left: u32, top: u32 }
@group(0) @binding(2) var<uniform> params: Params;
fn element(row: u32, col: u32) -> f32 {
  return select(0.0, x[row * params.down + min(col, params.cols - 1u) * params.across], col < params.cols);
}
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
  if (at.y >= params.rows || 4u * at.x >= params.cols) { return; }
  let col = 4u * at.x;
  textureStore(image, at.xy + vec2<u32>(params.left, params.top), vec4<f32>(
    element(at.y, col), element(at.y, col + 1u), element(at.y, col + 2u), element(at.y, col + 3u)));
}`;

/** Of a matrix that is more than can be bound, one part after another is copied: parts of its rows in memory. */
function pack(tensor: Tensor, { rows, cols, transposed }: Matrix, image: Image): void {
  const { device, capabilities } = tensor.engine;
  const [high, wide] = transposed ? [cols, rows] : [rows, cols];
  const most =
    Math.max(1, Math.floor(capabilities.bindingBytes / (wide * ALIGNMENT_BYTES))) * (ALIGNMENT_BYTES / ELEMENT_BYTES);
  const [down, across] = transposed ? [1, rows] : [cols, 1];
  for (let first = 0; first < high; first += most) {
    const count = Math.min(most, high - first);
    const [size, place] = transposed
      ? [
          [rows, count],
          [first / TEXEL, 0],
        ]
      : [
          [count, cols],
          [0, first],
        ];
    device.dispatch({
      source: { name: 'pack_image', wgsl: PACK, bindings: ['read', 'image write', 'uniform'] },
      resources: [high > most ? tensor.part(first * wide, [count, wide]).view : tensor.view, image],
      uniform: new Uint8Array(Uint32Array.of(...size, down, across, ...place, 0, 0).buffer),
      grid: [Math.ceil(Math.ceil(size[1] / TEXEL) / 8), Math.ceil(size[0] / 8), 1],
    });
  }
}

/** The matrix in a tensor as an image: by a plain copy where its rows are aligned and not to be turned, else by a kernel. */
export function imageOf(tensor: Tensor, matrix: Matrix): Image {
  const { device } = tensor.engine;
  const width = Math.ceil(matrix.cols / TEXEL);
  const aligned =
    !matrix.transposed &&
    (matrix.cols * ELEMENT_BYTES) % ALIGNMENT_BYTES === 0 &&
    tensor.view.offsetBytes % ALIGNMENT_BYTES === 0;
  const form = `image ${width} ${matrix.rows}${matrix.transposed ? ' transposed' : ''}`;
  return device.copyAs(tensor.view, form, () => {
    const image = new Image(width, matrix.rows);
    if (aligned) device.upload(tensor.view, image);
    else pack(tensor, matrix, image);
    return image;
  });
}
