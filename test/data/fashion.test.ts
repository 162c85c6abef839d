import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Chances } from '../../data/chances.ts';
import { readCodebook, writeCodebook } from '../../data/fashion-words/codebooks.ts';
import { cropped } from '../../data/fashion-words/designs.ts';
import { fashion } from '../../data/fashion-words/domain.ts';
import { readBeginning, readPictures } from '../../data/fashion-words/file.ts';
import { THINGS } from '../../data/fashion-words/icons.ts';
import { CountedPictures } from '../../data/fashion-words/judge/likelihood.ts';
import { NearestPictures } from '../../data/fashion-words/judge/nearest.ts';
import { Lines } from '../../data/fashion-words/lines.ts';
import { type Design, PIXELS, paint, SIDE } from '../../data/fashion-words/paint.ts';
import { type Models, paintParts } from '../../data/fashion-words/parts.ts';
import { GREY, GRID, learnCodebook, PATCH_SIZE, PATCHES, patchesOf } from '../../data/fashion-words/patches.ts';
import { drawSheet } from '../../data/fashion-words/sheet.ts';
import { Captions, COLOUR_NAMES, COLOURS, isHeldOut, KINDS, PLACES, SIZES } from '../../data/fashion-words/words.ts';
import { readPng, writePng } from '../../src/node/png.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-fashion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

/** A triangle: no two of its rows are alike, so that its pictures have many patches. */
const triangle = (thing: number): Design => {
  const [width, height] = [40, 40];
  const opacity = Float32Array.from({ length: 1600 }, (_, i) => Number(i % 40 <= Math.floor(i / 40)));
  return { thing, width, height, opacity, shade: opacity.map((_, i) => ((i % 7) - 3) / 10) };
};
const models: Models = { design: (thing) => triangle(thing), mirrored: true };
const captions = new Captions(THINGS);
const book = learnCodebook(
  Array.from({ length: 30 }, (_, i) => {
    const how = { size: i % 2, place: i % 5, tint: [GREY, GREY, GREY], mirrored: true };
    return paint(triangle(0), how, new Chances(i));
  }),
  Object.values(COLOURS),
  { patterns: 12, rounds: 3 },
  new Chances(1),
);
const lines = new Lines(captions, book);

describe('captions', () => {
  it.each([
    ['a small red boot, left', 'small red boot left :'],
    ['A BIG pair of blue jeans in the middle', 'large blue trousers centre :'],
    ['top hat', 'any any hat top :'],
    ['', 'any any any any :'],
  ])('%j asks for %j', (words, caption) => expect(fashion.prompt(words)).toBe(caption));

  it.each([
    ['a small green whale', /"whale" is no word that this model knows: .*the things are shirt, coat/],
    ['a red green boot', /"red" and "green" exclude each other: ask for one colour/],
  ])('%j is refused', (words, message) => expect(() => fashion.prompt(words)).toThrow(message));

  it('are read back', () => {
    const said = { size: 1, colour: 3, thing: 9, place: 0 };
    expect(captions.read(`${captions.caption(said)}xyz`)).toEqual({ said, picture: 'xyz' });
    expect(captions.read(captions.caption({ thing: 2 }))?.said).toEqual({ thing: 2 });
    for (const none of ['', 'small red boot left', 'small red whale left :', ':'])
      expect(captions.read(none)).toBeUndefined();
  });

  it('hold one colour of each thing out, and no colour often', () => {
    const pairs = THINGS.map((_, thing) =>
      COLOUR_NAMES.flatMap((_, colour) => (isHeldOut({ thing, colour }) ? [colour] : [])),
    );
    expect(pairs.every(({ length }) => length === 1)).toBe(true);
    for (const colour of COLOUR_NAMES.keys())
      expect(pairs.flat().filter((one) => one === colour).length).toBeLessThan(3);
  });
});

describe('a painting', () => {
  /** The box of what is not white. */
  const boxOf = (picture: Uint8Array): { left: number; right: number; top: number; bottom: number } => {
    const inked = [...Array(SIDE * SIDE).keys()].filter((i) => picture[3 * i + 1] < 250);
    const [xs, ys] = [inked.map((i) => i % SIDE), inked.map((i) => Math.floor(i / SIDE))];
    const ends = (all: number[]): [number, number] => [Math.min(...all), Math.max(...all)];
    const [[left, right], [top, bottom]] = [ends(xs), ends(ys)];
    return { left, right, top, bottom };
  };
  const painted = (size: number, place: number, seed: number): ReturnType<typeof boxOf> =>
    boxOf(paint(triangle(0), { size, place, tint: [200, 30, 30], mirrored: true }, new Chances(seed)));

  it.each([1, 2, 3])('is as large as it is said, and where (seed %i)', (seed) => {
    const place = (name: (typeof PLACES)[number]): number => PLACES.indexOf(name);
    for (const size of SIZES.keys()) {
      expect(painted(size, place('left'), seed).left).toBeLessThan(4);
      expect(painted(size, place('right'), seed).right).toBeGreaterThan(SIDE - 5);
      expect(painted(size, place('top'), seed).top).toBeLessThan(4);
      expect(painted(size, place('bottom'), seed).bottom).toBeGreaterThan(SIDE - 5);
    }
    const [small, large] = [painted(0, 4, seed), painted(1, 4, seed)];
    expect(large.bottom - large.top).toBeGreaterThan(small.bottom - small.top + 3);
  });

  it('is another each time, and the same for the same seed', () => {
    const one = (seed: number): Uint8Array =>
      paint(triangle(0), { size: 1, place: 4, tint: [10, 20, 30], mirrored: true }, new Chances(seed));
    expect(one(1)).toEqual(one(1));
    expect(one(1)).not.toEqual(one(2));
  });

  it('begins with a design without what is empty around it', () => {
    const opacity = new Float32Array(25);
    opacity[6] = opacity[13] = 1; // (1, 1) and (3, 2)
    const design = cropped({ thing: 0, width: 5, height: 5, opacity, shade: opacity });
    expect([design.width, design.height, [...design.opacity]]).toEqual([3, 2, [1, 0, 0, 0, 0, 1]]);
  });
});

describe('the codebook', () => {
  it('has every pattern in every colour, and white', () => {
    expect(book.size).toBe(12 * COLOUR_NAMES.length + 1);
    expect([...book.patch(book.size - 1)]).toEqual(new Array(PATCH_SIZE).fill(255));
    expect(book.encode(new Uint8Array(PIXELS).fill(255))).toEqual(new Array(PATCHES).fill(book.size - 1));
  });

  it('finds the nearest of all codes', () => {
    const squared = (a: Uint8Array, b: Uint8Array): number => a.reduce((sum, part, i) => sum + (part - b[i]) ** 2, 0);
    const picture = paint(triangle(0), { size: 1, place: 4, tint: [90, 160, 60], mirrored: true }, new Chances(9));
    for (const patch of patchesOf(picture)) {
      const distances = Array.from({ length: book.size }, (_, code) => squared(patch, book.patch(code)));
      const code = book.nearest(patch);
      expect(distances[code]).toBe(Math.min(...distances));
      expect(code).toBe(distances.indexOf(distances[code]));
    }
  });

  it('gives a picture of its codes, and their codes again', () => {
    const codes = Array.from({ length: PATCHES }, (_, i) => (i * 7) % book.patterns); // all in one tint
    const again = book.encode(book.decode(codes));
    for (const [i, code] of again.entries()) expect([...book.patch(code)]).toEqual([...book.patch(codes[i])]);
  });

  it('writes what is almost white in the colour of the rest, and another colour as it is', () => {
    const green = COLOUR_NAMES.indexOf('green') * book.patterns;
    const picture = book.decode(Array.from({ length: PATCHES }, (_, i) => (i < 40 ? green + 5 : book.size - 1)));
    const faint = picture.slice();
    for (let x = 0; x < 4; x++) faint.set([252, 249, 250], (SIDE * SIDE - 1 - x) * 3); // in the last patch
    const tints = book.encode(faint).map((code) => Math.floor(code / book.patterns) * book.patterns);
    expect([green, COLOUR_NAMES.length * book.patterns]).toContain(tints.at(-1));
    const other = COLOUR_NAMES.indexOf('red') * book.patterns + book.patterns - 1; // the darkest
    expect(book.encode(book.decode([other, ...book.encode(picture).slice(1)]))[0]).toBe(other);
  });

  it('is kept as a picture', async () => {
    const shipped = await readCodebook(new URL('../../data/fashion-words/codebook.png', import.meta.url).pathname);
    await writeCodebook(at('book.png'), shipped);
    expect((await readCodebook(at('book.png'))).numbers).toEqual(shipped.numbers);
  });

  it('says what it lacks to be learned', () => {
    const white = [new Uint8Array(PIXELS).fill(255)];
    expect(() => learnCodebook(white, [[1, 2, 3]], { patterns: 3, rounds: 1 }, new Chances(1))).toThrow(
      '3 patterns need as many different patches, got 0',
    );
  });
});

describe('the parts', () => {
  const parts = paintParts(models, lines, 300);
  const shown = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => ({ line, ...lines.read(line) }));
  const [train, validation, test] = [shown(parts.train), shown(parts.validation), shown(parts.test)];

  it('share no picture', () => {
    const all = [...train, ...validation, ...test].map(({ codes }) => codes.join());
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(200);
  });

  it('hold whole pictures under captions', () => {
    for (const one of [...train, ...validation, ...test]) {
      expect(lines.isWhole(one)).toBe(true);
      expect(lines.line(one.said, one.codes)).toBe(one.line);
    }
    expect(train.some(({ said }) => said.colour === undefined)).toBe(true);
    expect(test.every(({ said }) => KINDS.every((kind) => said[kind] !== undefined))).toBe(true);
  });

  it('keep the combinations that are held out from training', () => {
    const told = (pictures: typeof train) =>
      pictures.filter(({ said }) => said.thing !== undefined && said.colour !== undefined);
    for (const { said } of told([...train, ...validation])) expect(isHeldOut(said as never)).toBe(false);
    expect(test.filter(({ said }) => isHeldOut(said as never)).length).toBeGreaterThan(10);
  });
});

describe('a file', () => {
  const said = { size: 1, colour: 0, thing: 4, place: 4 };
  const picture = paint(triangle(4), { size: 1, place: 4, tint: COLOURS.red, mirrored: false }, new Chances(3));
  const codes = book.encode(picture);
  const line = lines.line(said, codes);

  it('shows pictures, as PNG or with captions as SVG', async () => {
    await drawSheet(lines, [line, line, line], at('sheet.png'));
    expect(await readPng(at('sheet.png'))).toMatchObject({ width: 280, height: 280 });
    await drawSheet(lines, [line, lines.line({}, codes)], at('sheet.svg'));
    const svg = readFileSync(at('sheet.svg'), 'utf8');
    expect(svg).toContain('>large red boot centre</text>');
    expect(svg).toContain('>anything</text>');
    expect(svg.match(/<image /g)).toHaveLength(2);
    await expect(drawSheet(lines, ['Call me Ishmael.'], at('x.png'))).rejects.toThrow('begins with no caption');
  });

  it('draws what a model left out in white', async () => {
    await drawSheet(lines, [line.slice(0, -10)], at('short.png'));
    const { rgba, width } = await readPng(at('short.png'));
    expect([...rgba.subarray((130 * width + 130) * 4, (130 * width + 130) * 4 + 3)]).toEqual([255, 255, 255]);
  });

  /** The upper rows of the picture, `zoom` times as large; the others are transparent, or missing. */
  const upper = async (file: string, rows: number, zoom: number, missing: boolean): Promise<string> => {
    const [width, height] = [SIDE * zoom, (missing ? rows : SIDE) * zoom];
    const decoded = book.decode(codes);
    const rgba = new Uint8Array(width * height * 4);
    for (let y = 0; y < rows * zoom; y++) {
      for (let x = 0; x < width; x++) {
        const from = 3 * (Math.floor(y / zoom) * SIDE + Math.floor(x / zoom));
        rgba.set([...decoded.subarray(from, from + 3), 255], (y * width + x) * 4);
      }
    }
    await writePng(at(file), { width, height, rgba });
    return at(file);
  };

  it.each([
    [1, true],
    [1, false],
    [3, true],
    [3, false],
  ])('may hold the upper half, %i times as large, missing rows: %s', async (zoom, missing) => {
    const file = await upper('half.png', SIDE / 2, zoom, missing);
    const begun = lines.codes(await readBeginning(lines, file));
    expect(begun).toHaveLength(PATCHES / 2);
    for (const [i, code] of begun.entries()) expect([...book.patch(code)]).toEqual([...book.patch(codes[i])]);
  });

  it('may hold a whole picture, or lines of pictures, to be scored', async () => {
    const [one] = (await readPictures(lines, await upper('scored.png', SIDE, 2, true))).split('\n');
    expect(lines.read(one).said).toEqual({});
    for (const [i, code] of lines.read(one).codes.entries())
      expect([...book.patch(code)]).toEqual([...book.patch(codes[i])]);
    writeFileSync(at('lines.txt'), `${line}\n${line}`);
    expect(await readPictures(lines, at('lines.txt'))).toBe(`${line}\n${line}\n`);
    for (const wrong of ['Call me Ishmael.', line.slice(0, -1), `${line}!`, '']) {
      writeFileSync(at('lines.txt'), `${line}\n${wrong}\n`);
      await expect(readPictures(lines, at('lines.txt'))).rejects.toThrow(/lines\.txt, line 2 is no picture/);
    }
    await expect(readPictures(lines, at('none.txt'))).rejects.toThrow('none.txt cannot be read (ENOENT)');
  });

  it('is refused with what is wrong with it', async () => {
    const refused = (file: string) => expect(readBeginning(lines, file)).rejects;
    writeFileSync(at('text.png'), 'It was the best of times, it was the worst of times.');
    await refused(at('text.png')).toThrow(/text\.png is no PNG file/);
    await refused(at('none.png')).toThrow(/none\.png cannot be read \(ENOENT\)/);
    await refused(await upper('whole.png', SIDE, 1, true)).toThrow('is a whole picture, of which nothing is left');
    await refused(await upper('few.png', 2, 1, false)).toThrow('holds 2 rows of a picture, but 4 or more are needed');
    await writePng(at('wide.png'), { width: 50, height: 40, rgba: new Uint8Array(8000).fill(255) });
    await refused(at('wide.png')).toThrow('is 50 pixels wide, but a picture of 32, or a multiple of it');
    const whole = readFileSync(at('whole.png'));
    writeFileSync(at('torn.png'), whole.subarray(0, whole.length - 30));
    await refused(at('torn.png')).toThrow(/torn\.png is a damaged PNG file/);
    const claims = Buffer.from(whole);
    claims.writeUInt32BE(2 ** 30, 16);
    writeFileSync(at('huge.png'), claims);
    await refused(at('huge.png')).toThrow(/huge\.png is too large/);
  });
});

describe('what is counted', () => {
  it('expects what stood beside the same neighbours', () => {
    const stripes = Array.from({ length: PATCHES }, (_, i) => i % 2);
    const counted = new CountedPictures([stripes, stripes, stripes, stripes], 10);
    const { chance, places, neighbours } = counted.nats(stripes);
    expect(chance).toBeCloseTo(PATCHES * Math.log(10));
    expect(places).toBeLessThan(chance);
    expect(neighbours).toBeLessThan(places);
    expect(counted.nats(stripes.map((code) => 1 - code)).neighbours).toBeGreaterThan(places);
    const never = counted.nats(new Array(PATCHES).fill(9));
    expect(never.neighbours).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it('finds the picture that is nearest in its pixels', () => {
    const white = new Array(PATCHES).fill(book.size - 1);
    const dot = (code: number): number[] => white.map((one, i) => (i === GRID ? code : one));
    const nearest = new NearestPictures([white, dot(3)], book);
    expect(nearest.nearest(dot(3))).toEqual({ index: 1, distance: 0 });
    expect(nearest.nearest(white)).toEqual({ index: 0, distance: 0 });
    const squared = [book.size - 1, 3].map((code) =>
      book.patch(4).reduce((sum, part, i) => sum + (part - book.patch(code)[i]) ** 2, 0),
    );
    expect(nearest.nearest(dot(4)).distance).toBeCloseTo(Math.sqrt(Math.min(...squared) / PIXELS), 4);
  });
});
