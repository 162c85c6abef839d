/** Mesa's AMD driver in compile-only mode: machine code of GPUs that are not there. Nothing is executed. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UserError } from '../../src/errors.ts';
import { temporaryFolder } from '../../src/node/files.ts';
import type { Shader } from '../mockAdapter.ts';
import { FAILURE_MARK, parseShader, type ShaderStatistics, splitByShader } from './parse.ts';

const LAYER = 'VK_LAYER_dawnlm_no_recording';
const ICDS = ['/usr/local/share', '/usr/share', '/etc'].flatMap((folder) =>
  ['radeon_icd.json', 'radeon_icd.x86_64.json'].map((file) => join(folder, 'vulkan/icd.d', file)),
);

/** Builds the layer and its manifest into a folder. @throws UserError without a C compiler */
async function buildLayer(folder: string): Promise<void> {
  const library = join(folder, 'libno_recording.so');
  const source = fileURLToPath(new URL('layer.c', import.meta.url));
  try {
    await promisify(execFile)('gcc', ['-O1', '-shared', '-fPIC', '-o', library, source]);
  } catch (error) {
    throw new UserError(
      `bench static builds a small Vulkan layer and needs a C compiler: gcc failed (${(error as Error).message.split('\n')[0]}). Install it: apt-get install gcc libc6-dev.`,
      { cause: error },
    );
  }
  const layer = {
    ...{ name: LAYER, type: 'GLOBAL', library_path: library, api_version: '1.3.239', implementation_version: '1' },
    description: 'Recording commands does nothing',
  };
  writeFileSync(join(folder, 'layer.json'), JSON.stringify({ file_format_version: '1.1.2', layer }));
}

const installedIcd = (): string | undefined => ICDS.find((path) => existsSync(path));

/** Whether all is there that `compileFor` needs. */
export const canCompile = (): boolean =>
  installedIcd() !== undefined && spawnSync('gcc', ['--version']).error === undefined;

function findIcd(): string {
  const icd = installedIcd();
  if (icd) return icd;
  throw new UserError(
    "bench static needs Mesa's AMD driver, which compiles without a GPU (linux only). Install it: apt-get install mesa-vulkan-drivers libvulkan1 (Debian 12: -t bookworm-backports).",
  );
}

const environment = (folder: string, family: string, icd: string): NodeJS.ProcessEnv => ({
  ...process.env,
  ...{ DAWNLM_ADAPTER: '', XDG_RUNTIME_DIR: folder },
  ...{ VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd, VK_LAYER_PATH: folder, VK_INSTANCE_LAYERS: LAYER },
  ...{ RADV_FORCE_FAMILY: family, RADV_DEBUG: 'shaderstats,cs,asm,nocache' },
});

/** Runs compile.ts and returns all that was written. Into a file: Node's pipes do not block, and the driver then loses text. */
async function runCompiler(shaders: string, log: string, env: NodeJS.ProcessEnv): Promise<string> {
  const output = openSync(log, 'w');
  const run = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const child = spawn(process.execPath, [run, './static/compile.ts', shaders], {
    env,
    stdio: ['ignore', output, output],
  });
  await new Promise((done, fail) => child.on('error', fail).on('close', done));
  closeSync(output);
  return readFileSync(log, 'utf8');
}

/** The driver's last words before it gave up, in a line. */
const lastWords = (output: string): string => output.trim().split('\n').slice(-3).join(' ').slice(0, 300);

/**
 * Compiles shaders for a GPU family (Mesa's names: navi21, navi31, ...) and returns the driver's statistics, in order.
 * @throws UserError when gcc, the driver or a Vulkan loader is missing, for an unknown family, or when a shader does not compile
 */
export async function compileFor(family: string, shaders: readonly Shader[]): Promise<ShaderStatistics[]> {
  const icd = findIcd();
  const folder = await temporaryFolder('static');
  try {
    await buildLayer(folder);
    const file = join(folder, 'shaders.json');
    writeFileSync(file, JSON.stringify(shaders));
    const output = await runCompiler(file, join(folder, 'log'), environment(folder, family, icd));
    const parts = splitByShader(output);
    if (parts.size === 0) {
      throw new UserError(
        `Mesa's AMD driver does not compile for ${family}: ${lastWords(output)}. Known families are navi10, navi21, navi31 and the like; the driver needs the Vulkan loader (apt-get install libvulkan1).`,
      );
    }
    return shaders.map((shader, i) => read(shader, family, parts.get(String(i)) ?? ''));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function read({ name }: Shader, family: string, part: string): ShaderStatistics {
  const statistics = parseShader(part);
  if (statistics) return statistics;
  const why = part.split(FAILURE_MARK)[1]?.trim() || lastWords(part);
  throw new UserError(`kernel ${name} does not compile for ${family}: ${why}`);
}
