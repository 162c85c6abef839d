/** Learns the codebook anew: npx tsx data/fashion-words/learn.ts. Another codebook makes another text, whose hash the recipe must be told. */
import { fileURLToPath } from 'node:url';
import { openPackages } from '../files.ts';
import { learnFrom, writeCodebook } from './codebooks.ts';
import { PACKAGES, THINGS } from './icons.ts';
import { npmModels } from './npm.ts';

const models = await npmModels(await openPackages(PACKAGES, console.error));
await writeCodebook(fileURLToPath(new URL('codebook.png', import.meta.url)), learnFrom(models, THINGS.length));
