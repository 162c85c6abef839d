import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { peersFolder, pythonWithTorch } from '../../bench/peers/catalog.ts';
import { installPeers } from '../../bench/peers/install.ts';
import { UserError } from '../../src/errors.ts';
import { canInstall, installPackages } from '../../src/node/install.ts';
import { findChromium } from './chromium.ts';

const platform = `${process.platform}-${process.arch}`;

/** What each comes as. transformers.js loads sharp for images whatever it is asked, and sharp a library of this platform. */
const JUDGES: Readonly<Record<string, string>> = {
  '@huggingface/tokenizers': '0.2.0',
  '@huggingface/transformers': '4.3.1',
  [`@img/sharp-${platform}`]: '0.35.5',
  [`@img/sharp-libvips-${platform}`]: '1.3.4',
  [`@node-llama-cpp/${platform}`]: '3.22.1',
  'node-llama-cpp': '3.22.1',
  'onnxruntime-node': '1.30.0',
  openai: '6.49.0',
  tokenizers: '0.23.2',
  yaml: '2.9.1',
};

/** Programs of the distribution that judge, and how it is told whether they are here. */
const DISTRIBUTED = [
  { what: 'PyTorch', packages: ['python3-torch'], isHere: async () => (await pythonWithTorch()) !== undefined },
  { what: 'Chromium', packages: ['chromium'], isHere: async () => findChromium() !== undefined },
] as const;

/** Brings the programs that judge, where they are not there yet. @throws UserError when they cannot be had: then nothing was judged */
export default async function setup(): Promise<void> {
  for (const { what, packages, isHere } of DISTRIBUTED) if (!(await isHere())) await bring(what, packages);
  const absent = Object.keys(JUDGES).filter((name) => !existsSync(join(peersFolder(), 'node_modules', name)));
  if (absent.length === 0) return;
  console.log(`installing what judges models and servers: ${absent.join(', ')}`);
  await installPeers([{ packages: JUDGES }]);
}

async function bring(what: string, packages: readonly string[]): Promise<void> {
  if (canInstall()) return installPackages(what, packages, console.log);
  throw new UserError(`${what} judges, and is not here: apt-get install ${packages.join(' ')}, and try again.`);
}
