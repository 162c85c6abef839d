/** Pictures as PNG files, by the package pngjs, which is fetched when a picture is first read or written. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { UserError } from '../errors.ts';
import { errorCode, writeAtomic } from './files.ts';
import { fetchPackage, type NpmPackage, type Say } from './npm.ts';

/** Rows from the top, pixels from the left. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each pixel, 0 to 255. */
  readonly rgba: Uint8Array;
}

const PNGJS: NpmPackage = {
  name: 'pngjs',
  version: '7.0.0',
  integrity: 'sha512-LKWqWJRhstyYo9pGvgor/ivk2w94eSjE3RGVuzLGlr3NmD8bf7RcYGze1mNdEHRP6TRP6rMuDHk5t44hnTRyow==',
  sizeMB: 0.2,
};

interface PngFile {
  width: number;
  height: number;
  data: Buffer;
}

/** What is used of the package. */
interface Pngjs {
  PNG: {
    new (size: { width: number; height: number }): PngFile;
    sync: { read(bytes: Buffer): PngFile; write(png: PngFile): Buffer };
  };
}

const load = async (say: Say): Promise<Pngjs> =>
  createRequire(import.meta.url)(await fetchPackage(PNGJS, say)) as Pngjs;

/** The first bytes of every PNG file; width and height follow in a chunk of known place. */
const SIGNATURE = '89504e470d0a1a0a';
const SIZE_AT = 16;
/** Pixels of a picture that is read: a small file may claim to hold billions, and they would all be made room for. */
const MOST_PIXELS = 2 ** 24;

/** The picture in a file. @throws UserError where there is none, or one that cannot be read */
export async function readPng(file: string, say: Say = () => undefined): Promise<Picture> {
  const bytes = await readFile(file).catch((cause) => {
    throw new UserError(`${file} cannot be read (${errorCode(cause)}): name a PNG file.`, { cause });
  });
  if (bytes.subarray(0, 8).toString('hex') !== SIGNATURE || bytes.length < SIZE_AT + 8) {
    throw new UserError(`${file} is no PNG file: its first bytes are others. Save the picture as PNG.`);
  }
  const pixels = bytes.readUInt32BE(SIZE_AT) * bytes.readUInt32BE(SIZE_AT + 4);
  if (pixels > MOST_PIXELS) throw new UserError(`${file} is too large: ${pixels} pixels, ${MOST_PIXELS} at most.`);
  const { PNG } = await load(say);
  try {
    const { width, height, data } = PNG.sync.read(bytes);
    return { width, height, rgba: data };
  } catch (cause) {
    throw new UserError(`${file} is a damaged PNG file: ${(cause as Error).message}. Save the picture anew.`, {
      cause,
    });
  }
}

/** A picture as the bytes of a PNG file. */
export async function pngBytes({ width, height, rgba }: Picture, say: Say = () => undefined): Promise<Buffer> {
  const { PNG } = await load(say);
  const png = new PNG({ width, height });
  png.data.set(rgba);
  return PNG.sync.write(png);
}

/** Writes a picture. @throws UserError where the file cannot be written */
export const writePng = async (file: string, picture: Picture, say?: Say): Promise<void> =>
  writeAtomic(file, await pngBytes(picture, say));
