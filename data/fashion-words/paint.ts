/** Pictures of a design: in a size, a colour and a place, each a little other than all others. */
import type { Chances } from '../chances.ts';
import { PLACES, type Said, SIZES } from './words.ts';

/** Pixels of a side; pictures are square. */
export const SIDE = 32;
/** Numbers of a picture: red, green and blue of each pixel, 0 to 255. */
export const PIXELS = SIDE * SIDE * 3;

/** A drawing without a colour. */
export interface Design {
  /** Which of the things it is, by index. */
  readonly thing: number;
  /** Size of its box. */
  readonly width: number;
  readonly height: number;
  /** How opaque each point is, 0 to 1, and how much lighter (to 1) or darker (to -1) than the drawing as a whole. */
  readonly opacity: Float32Array;
  readonly shade: Float32Array;
}

/** Pixels of the longer side, from and to. */
const LENGTHS: Readonly<Record<(typeof SIZES)[number], readonly [number, number]>> = {
  small: [14, 16.5],
  large: [21, 23.5],
};
/** Points of a pixel's side at which the design is looked up. */
const POINTS = 4;

/** Angle by which a design is turned at most, and more than half of its sine. */
const MOST_TURNED = 0.02;
/** Pixels by which a place may differ. */
const WANDER = 0.5;

/** Where a design lies in the picture. */
interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Sine and cosine of a small turn. */
  readonly turn: readonly [number, number];
  readonly mirrored: boolean;
}

/** How a design is painted; all else is left to chance. */
export interface Painted extends Pick<Said, 'size' | 'place'> {
  /** Red, green and blue, 0 to 255. */
  readonly tint: readonly number[];
  /** Whether it may be turned left to right. */
  readonly mirrored: boolean;
}

export function paint(design: Design, how: Painted, chances: Chances): Uint8Array {
  const frame = frameOf(design, how, chances);
  const picture = new Uint8Array(PIXELS).fill(255);
  const [left, right] = reach(frame.left, frame.width, frame.height);
  const [top, bottom] = reach(frame.top, frame.height, frame.width);
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) paintPixel(picture, x, y, design, frame, how.tint);
  return picture;
}

function frameOf(design: Design, { size, place, mirrored }: Painted, chances: Chances): Frame {
  const length = chances.between(...LENGTHS[SIZES[size]]);
  const stretch = chances.between(0.97, 1.03);
  const scale = length / Math.max(design.width * stretch, design.height);
  const [width, height] = [design.width * stretch * scale, design.height * scale];
  const angle = chances.between(-MOST_TURNED, MOST_TURNED); // its sine by its series, which is the same on every machine
  const turn = [angle - angle ** 3 / 6, 1 - angle ** 2 / 2] as const;
  const at = PLACES[place];
  const along = (side: number, low: string, high: string): number => {
    const margin = chances.between(0, WANDER);
    if (at === low) return margin;
    return at === high ? SIDE - side - margin : (SIDE - side) / 2 + margin - WANDER / 2;
  };
  const flip = mirrored && chances.below(2) === 1;
  return {
    left: along(width, 'left', 'right'),
    top: along(height, 'top', 'bottom'),
    width,
    height,
    turn,
    mirrored: flip,
  };
}

/** Pixels along one axis which a design may touch, turned as it is. */
const reach = (start: number, side: number, across: number): [number, number] => [
  Math.max(0, Math.floor(start - MOST_TURNED * across)),
  Math.min(SIDE, Math.ceil(start + side + MOST_TURNED * across)),
];

/** The mean over points of the pixel of what the design is there, over white. */
function paintPixel(
  picture: Uint8Array,
  x: number,
  y: number,
  design: Design,
  frame: Frame,
  tint: Painted['tint'],
): void {
  const { left, top, width, height, turn, mirrored } = frame;
  let opacity = 0;
  let shade = 0;
  for (let j = 0; j < POINTS; j++) {
    for (let i = 0; i < POINTS; i++) {
      const dx = x + (i + 0.5) / POINTS - left - width / 2;
      const dy = y + (j + 0.5) / POINTS - top - height / 2;
      const u = (dx * turn[1] + dy * turn[0]) / width + 0.5;
      const v = (dy * turn[1] - dx * turn[0]) / height + 0.5;
      if (u < 0 || u >= 1 || v < 0 || v >= 1) continue;
      const column = Math.floor((mirrored ? 1 - u : u) * design.width);
      const point = Math.floor(v * design.height) * design.width + Math.min(column, design.width - 1);
      opacity += design.opacity[point];
      shade += design.opacity[point] * design.shade[point];
    }
  }
  if (opacity === 0) return;
  shade /= opacity;
  opacity /= POINTS * POINTS;
  for (let c = 0; c < 3; c++) {
    const part = shade > 0 ? tint[c] + (255 - tint[c]) * shade : tint[c] * (1 + shade);
    picture[(y * SIDE + x) * 3 + c] = Math.round(255 - opacity * (255 - Math.min(255, part)));
  }
}
