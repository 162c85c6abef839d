/** Designs out of Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017), as Debian packs it: photographs of 28 x 28 greys, bright on black. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { UserError } from '../../src/errors.ts';
import { cropped } from './designs.ts';
import type { Design } from './paint.ts';
import type { Models } from './parts.ts';

/** Its classes, by number. */
export const CLOTHES = [
  ...['t-shirt', 'trousers', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'boot'],
] as const;

/** Where Debian's package dataset-fashion-mnist puts its files; DAWNLM_FASHION_MNIST names another folder. */
const FOLDER = '/usr/share/datasets/fashion-mnist';
const PARTS = ['train', 't10k'];

/** How the two kinds of IDX file begin: bytes, of one axis or of three. */
const LABELS = 0x801;
const IMAGES = 0x803;

/** Brightness from which on a pixel is no background. */
const OPAQUE = 40;

/** Each photograph once, then all of them again. @throws UserError where they are not on this machine */
export async function mnistModels(folder = process.env.DAWNLM_FASHION_MNIST || FOLDER): Promise<Models> {
  const byThing: (() => Design)[][] = CLOTHES.map(() => []);
  for (const part of PARTS) {
    const { axes, bytes } = await readIdx(folder, `${part}-images-idx3-ubyte.gz`, IMAGES);
    const labels = await readIdx(folder, `${part}-labels-idx1-ubyte.gz`, LABELS);
    const [count, height, width] = axes;
    if (labels.axes[0] !== count) throw new UserError(`${folder} holds ${count} images and ${labels.axes[0]} labels`);
    for (const [i, thing] of labels.bytes.entries()) {
      const pixels = bytes.subarray(i * width * height, (i + 1) * width * height);
      byThing[thing].push(() => designOf(thing, width, height, pixels));
    }
  }
  const taken = CLOTHES.map(() => 0);
  return { design: (thing) => byThing[thing][taken[thing]++ % byThing[thing].length](), mirrored: false };
}

/** An IDX file: numbers of big-endian order for its kind and its axes, then bytes. */
async function readIdx(folder: string, name: string, kind: number): Promise<{ axes: number[]; bytes: Uint8Array }> {
  const file = join(folder, name);
  const packed = await readFile(file).catch((cause) => {
    throw new UserError(
      `There is no ${file}. Fashion-MNIST comes with Debian and Ubuntu: apt-get install dataset-fashion-mnist; or name a folder of its files in DAWNLM_FASHION_MNIST. The domain fashion does without.`,
      { cause },
    );
  });
  const damaged = (cause?: unknown): UserError => new UserError(`${file} is damaged: fetch it again.`, { cause });
  let all: Buffer;
  try {
    all = gunzipSync(packed);
  } catch (cause) {
    throw damaged(cause);
  }
  const count = kind === IMAGES ? 3 : 1;
  if (all.length < 4 + 4 * count || all.readUInt32BE(0) !== kind) throw damaged();
  const axes = Array.from({ length: count }, (_, i) => all.readUInt32BE(4 + 4 * i));
  const bytes = all.subarray(4 + 4 * count);
  if (bytes.length !== axes.reduce((product, axis) => product * axis)) throw damaged();
  return { axes, bytes };
}

/** A photograph as a drawing: what is bright is opaque, and lighter or darker than the whole by its own light. */
function designOf(thing: number, width: number, height: number, pixels: Uint8Array): Design {
  const opacity = Float32Array.from(pixels, (value) => Math.min(1, value / OPAQUE));
  const total = opacity.reduce((sum, one) => sum + one, 0);
  const mean = pixels.reduce((sum, value, i) => sum + value * opacity[i], 0) / total;
  const shade = Float32Array.from(pixels, (value) => Math.max(-0.7, Math.min(0.7, (value - mean) / 255)));
  return cropped({ thing, width, height, opacity, shade });
}
