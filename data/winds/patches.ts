/** Fields as patches, and patches as the nearest of a codebook's, so that a month becomes a word of as many letters. */
import { threefry, toUnit } from '../../src/tensor/random.ts';
import { range } from '../weather/forecast/series.ts';
import { CELLS, COLUMNS, NUMBERS, ROWS } from './fields.ts';

/** Where the numbers of each patch of so many rows and columns stand in a field: both components, patches from the south-west on. */
export function patchPlaces(high: number, wide: number): Uint32Array[] {
  const across = COLUMNS / wide;
  return range(0, (ROWS / high) * across).map((patch) => {
    const [bottom, left] = [Math.floor(patch / across) * high, (patch % across) * wide];
    return Uint32Array.from({ length: 2 * high * wide }, (_, i) => {
      const cell = i % (high * wide);
      const inField = (bottom + Math.floor(cell / wide)) * COLUMNS + left + (cell % wide);
      return Math.floor(i / (high * wide)) * CELLS + inField;
    });
  });
}

/** Cells of a patch that becomes a letter: 30 degrees of latitude and 45 of longitude. */
const HIGH = 12;
const WIDE = 18;
const PLACES: readonly Uint32Array[] = patchPlaces(HIGH, WIDE);
export const PATCHES = PLACES.length;
const PATCH_NUMBERS = NUMBERS / PATCHES;

/** A patch is compared by the means of blocks of so many cells a side: what is finer is noise to a codebook. */
const COARSE = 3;
const COARSE_WIDE = WIDE / COARSE;
const COARSE_NUMBERS = PATCH_NUMBERS / COARSE ** 2;

/** The blocks of a patch, in units of what is usual at its place. */
function coarse(field: ArrayLike<number>, patch: number, scale: number): Float32Array {
  const sums = new Float32Array(COARSE_NUMBERS);
  PLACES[patch].forEach((place, i) => {
    const cell = i % (HIGH * WIDE);
    const block = Math.floor(Math.floor(cell / WIDE) / COARSE) * COARSE_WIDE + Math.floor((cell % WIDE) / COARSE);
    const component = Math.floor(i / (HIGH * WIDE));
    sums[component * (COARSE_NUMBERS / 2) + block] += field[place] / (scale * COARSE ** 2);
  });
  return sums;
}

/** Letters of patches: one each. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyzMNOPQRSTUVWXYZ0123456789';
/** Letters of months, January to December. */
export const MONTH_LETTERS = 'ABCDEFGHIJKL';

/** A field as a letter for each patch, and back: k-means (Lloyd, 1982) of what patches of the training months look like. */
export class Codebook {
  private constructor(
    /** Root mean square of the anomalies at each patch's place. */
    private readonly scales: readonly number[],
    /** (COARSE_NUMBERS) of each letter, and the whole patch that it stands for: (PATCH_NUMBERS). */
    private readonly centres: readonly Float32Array[],
    private readonly pictures: readonly Float32Array[],
  ) {}

  /** A codebook for fields of anomalies. The same fields give the same one. */
  static of(fields: readonly Float32Array[]): Codebook {
    const scales = PLACES.map((places) => {
      const square = fields.reduce((sum, field) => sum + places.reduce((all, place) => all + field[place] ** 2, 0), 0);
      return Math.sqrt(square / (fields.length * PATCH_NUMBERS));
    });
    const all = fields.flatMap((field) => range(0, PATCHES).map((patch) => ({ field, patch })));
    const looks = all.map(({ field, patch }) => coarse(field, patch, scales[patch]));
    const { centres, nearest: own } = cluster(looks, LETTERS.length);
    const pictures = centres.map(() => new Float32Array(PATCH_NUMBERS));
    const counts = centres.map(() => 0);
    all.forEach(({ field, patch }, n) => {
      counts[own[n]]++;
      PLACES[patch].forEach((place, i) => {
        pictures[own[n]][i] += field[place] / scales[patch];
      });
    });
    const means = pictures.map((picture, k) => picture.map((value) => value / Math.max(1, counts[k])));
    return new Codebook(scales, centres, means);
  }

  /** A letter for each patch, row by row from the south-west on. */
  encode(field: ArrayLike<number>): string {
    return range(0, PATCHES)
      .map((patch) => LETTERS[nearest(coarse(field, patch, this.scales[patch]), this.centres)])
      .join('');
  }

  /** The field that letters stand for. Letters of nothing, which a model may write, are no anomaly. */
  decode(letters: string): Float32Array {
    const field = new Float32Array(NUMBERS);
    for (let patch = 0; patch < PATCHES; patch++) {
      const picture = this.pictures[LETTERS.indexOf(letters[patch])];
      if (!picture) continue;
      PLACES[patch].forEach((place, i) => {
        field[place] = picture[i] * this.scales[patch];
      });
    }
    return field;
  }
}

function nearest(look: Float32Array, centres: readonly Float32Array[]): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let k = 0; k < centres.length; k++) {
    const square = distance(look, centres[k], least);
    if (square < least) [best, least] = [k, square];
  }
  return best;
}

/** Square of the distance; as soon as it is `most` or more, what is more than that. */
function distance(a: Float32Array, b: Float32Array, most = Number.POSITIVE_INFINITY): number {
  let square = 0;
  for (let i = 0; i < a.length && square < most; i++) square += (a[i] - b[i]) ** 2;
  return square;
}

const ROUNDS = 20;
const SEED = 1982;

/** K-means, begun as k-means++ (Arthur and Vassilvitskii, 2007): each centre is a point drawn by its square distance to those before. */
function cluster(points: readonly Float32Array[], count: number): { centres: Float32Array[]; nearest: number[] } {
  const centres = [points[0]];
  const squares = points.map((point) => distance(point, points[0]));
  for (let k = 1; k < count; k++) {
    let rest = toUnit(threefry(SEED, 0, k, 0)[0]) * squares.reduce((sum, square) => sum + square, 0);
    const drawn = squares.findIndex((square) => (rest -= square) < 0);
    const centre = points[Math.max(0, drawn)];
    centres.push(centre);
    points.forEach((point, n) => {
      squares[n] = Math.min(squares[n], distance(point, centre, squares[n]));
    });
  }
  let own: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    own = points.map((point) => nearest(point, centres));
    centres.forEach((centre, k) => {
      const members = points.filter((_, n) => own[n] === k);
      if (members.length > 0)
        centres[k] = centre.map((_, i) => members.reduce((sum, one) => sum + one[i], 0) / members.length);
    });
  }
  return { centres, nearest: points.map((point) => nearest(point, centres)) };
}
