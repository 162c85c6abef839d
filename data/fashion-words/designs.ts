/** Drawings of things to wear out of icon sets on npm. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { fetchedFolder, type NpmPackage } from '../../src/node/npm.ts';
import { checkJson, damaged } from '../../src/schema.ts';
import type { PackageFiles } from '../files.ts';
import { RESVG } from '../packages.ts';
import { ICONS } from './icons.ts';
import type { Design } from './paint.ts';

/** Pixels of the longer side at which a design is rendered. */
const RENDERED = 96;
/** Of an opacity below that nothing is seen. */
const FAINT = 0.05;
/** How much of its own light and dark a coloured drawing keeps. */
const CONTRAST = 1.1;

/** What is used of resvg: SVG to pixels, the same ones on every machine, since it is WebAssembly. */
interface Resvg {
  initWasm(wasm: Uint8Array): Promise<void>;
  Resvg: new (
    svg: string,
    options: { fitTo: { mode: 'width'; value: number } },
  ) => { render(): { width: number; height: number; pixels: Uint8Array; free(): void }; free(): void };
}

let resvg: Promise<Resvg> | undefined;

/** The renderer, which takes its module once a process. */
const openResvg = (files: PackageFiles): Promise<Resvg> =>
  (resvg ??= (async () => {
    const module = createRequire(import.meta.url)(join(fetchedFolder(RESVG), 'index.js')) as Resvg;
    await module.initWasm(await files.readBytes(RESVG, 'index_bg.wasm'));
    return module;
  })());

const IconSet = z.object({
  width: z.number().default(16),
  height: z.number().default(16),
  icons: z.record(
    z.string(),
    z.object({ body: z.string(), width: z.number().optional(), height: z.number().optional() }),
  ),
});

/** All designs, in one order on every machine. `things`: the names of the things, by whose index a design says which it is. */
export async function readDesigns(files: PackageFiles, things: readonly string[]): Promise<Design[]> {
  const renderer = await openResvg(files);
  const sets: Design[][] = [];
  for (const { pkg, icons } of ICONS) sets.push(await designsOf(files, renderer, pkg, icons, things));
  return sets.flat();
}

async function designsOf(
  files: PackageFiles,
  renderer: Resvg,
  pkg: NpmPackage,
  icons: Readonly<Record<string, string | undefined>>,
  things: readonly string[],
): Promise<Design[]> {
  const set = checkJson(IconSet, await files.read(pkg, 'icons.json'), damaged(`icons.json of ${pkg.name}`));
  return Object.entries(icons).flatMap(([thing, names]) =>
    (names?.split(' ') ?? []).map((name) => {
      const { body, width = set.width, height = set.height } = set.icons[name];
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" color="black">${body}</svg>`;
      return designOf(renderer, svg, things.indexOf(thing));
    }),
  );
}

/** A drawing as opacity and shade, without what is empty around it. */
function designOf({ Resvg }: Resvg, svg: string, thing: number): Design {
  const drawing = new Resvg(svg, { fitTo: { mode: 'width', value: RENDERED } });
  const image = drawing.render();
  const { width, height, pixels } = image;
  const opacity = Float32Array.from({ length: width * height }, (_, i) => pixels[4 * i + 3] / 255);
  // resvg multiplies colours by opacity: what is transparent is no darker for it
  const light = opacity.map((alpha, i) => (alpha > 0 ? luminance(pixels, 4 * i) / alpha : 0));
  image.free();
  drawing.free();
  const total = opacity.reduce((sum, alpha) => sum + alpha, 0);
  const mean = light.reduce((sum, l, i) => sum + l * opacity[i], 0) / total;
  const shade = light.map((l) => Math.max(-0.7, Math.min(0.9, CONTRAST * (l - mean))));
  return cropped({ thing, width, height, opacity, shade });
}

/** Of a pixel, 0 to 1, by the weights of ITU-R BT.601. */
const luminance = (pixels: Uint8Array, at: number): number =>
  (0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2]) / 255;

/** The smallest box that holds what can be seen. */
export function cropped(design: Design): Design {
  const { width, height, opacity, shade } = design;
  const rows = [...Array(height).keys()].filter((y) => seen(opacity, y * width, width, 1));
  const columns = [...Array(width).keys()].filter((x) => seen(opacity, x, height, width));
  const [top, left] = [rows[0], columns[0]];
  const size = { width: columns.at(-1)! - left + 1, height: rows.at(-1)! - top + 1 };
  const part = (all: Float32Array): Float32Array =>
    Float32Array.from({ length: size.width * size.height }, (_, i) => {
      const [x, y] = [left + (i % size.width), top + Math.floor(i / size.width)];
      return all[y * width + x];
    });
  return { ...design, ...size, opacity: part(opacity), shade: part(shade) };
}

function seen(opacity: Float32Array, start: number, count: number, step: number): boolean {
  for (let i = 0; i < count; i++) if (opacity[start + i * step] > FAINT) return true;
  return false;
}
