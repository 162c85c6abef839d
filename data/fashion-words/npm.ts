/** Designs out of icon sets on npm, to be painted as often as wanted. */
import type { PackageFiles } from '../files.ts';
import { readDesigns } from './designs.ts';
import { THINGS } from './icons.ts';
import type { Models } from './parts.ts';

export async function npmModels(files: PackageFiles): Promise<Models> {
  const designs = await readDesigns(files, THINGS);
  const byThing = THINGS.map((_, thing) => designs.filter((design) => design.thing === thing));
  return { design: (thing, chances) => chances.pick(byThing[thing]), mirrored: true };
}
