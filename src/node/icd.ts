/**
 * Which software Vulkan drivers this machine has, and how a process is pointed at one of them. A Vulkan loader finds
 * drivers by small JSON files (ICD files); the environment variables set here narrow it down to one.
 */
import { existsSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, makeFolder } from './files.ts';

export type SoftwareName = 'lavapipe' | 'swiftshader';
export const SOFTWARE: readonly SoftwareName[] = ['lavapipe', 'swiftshader'];

const MANIFEST_FOLDERS = ['/usr/local/share/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'];
const LAVAPIPE_FILES = ['lvp_icd.json', 'lvp_icd.x86_64.json', 'lvp_icd.aarch64.json'];
const BROWSERS = [
  '/usr/lib/chromium',
  '/usr/lib64/chromium-browser',
  '/usr/lib/chromium-browser',
  '/opt/google/chrome',
];

/** Where the SwiftShader of the npm package is unpacked. */
export const swiftshaderFolder = (): string => join(cacheFolder(), 'swiftshader');

/** The user's own list of drivers, as it was before this process changed it; undefined where there is none. */
export const usersIcds = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;

/** Path of the driver's ICD file, or undefined where the machine does not have it. */
export function findIcd(name: SoftwareName): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const lavapipe = MANIFEST_FOLDERS.flatMap((folder) => LAVAPIPE_FILES.map((file) => join(folder, file)));
  const swiftshader = [swiftshaderFolder(), ...BROWSERS].map((folder) => join(folder, 'vk_swiftshader_icd.json'));
  return { lavapipe, swiftshader }[name].find((path) => existsSync(path));
}

/** Points Vulkan instances made from now on at one driver; undefined: at the user's or the system's own list. */
export function useIcd(icd: string | undefined): void {
  const value = icd ?? usersIcds;
  // The second name is the one that loaders before 1.3.207 know (Ubuntu 22.04).
  for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** The user's own number of threads for lavapipe. */
const usersThreads = process.env.LP_NUM_THREADS;

/** Threads that lavapipe hands dispatches to, in Vulkan instances made from now on; 0: none, undefined: as many as there are cores. */
export function useThreads(count: number | undefined): void {
  if (usersThreads !== undefined) return;
  if (count === undefined) delete process.env.LP_NUM_THREADS;
  else process.env.LP_NUM_THREADS = String(count);
}

/** Loads a shared library for good. A library that is no Node addon makes dlopen throw, but stays (RTLD_NODELETE). */
function loadLibrary(path: string): boolean {
  const RTLD_NODELETE = 0x1000;
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (error) {
    return String(error).includes('did not self-register');
  }
}

/** Without a Vulkan loader on the system, the one beside SwiftShader: Dawn's own dlopen by name then finds it loaded. */
function ensureLoader(): void {
  const own = join(swiftshaderFolder(), 'libvulkan.so.1');
  if (!loadLibrary('libvulkan.so.1') && existsSync(own)) loadLibrary(own);
}

/**
 * Prepares the process for Vulkan, before Dawn is loaded: the loader, and a folder where Mesa keeps compiled shaders
 * between runs (a large kernel costs LLVM seconds, its cache milliseconds). Does nothing where Vulkan is not used.
 */
export function prepareVulkan(): void {
  if (process.platform !== 'linux') return;
  process.env.XDG_RUNTIME_DIR ??= tmpdir(); // unset, Mesa complains on stderr
  process.env.MESA_SHADER_CACHE_DIR ??= join(cacheFolder(), 'shaders');
  try {
    makeFolder(process.env.MESA_SHADER_CACHE_DIR);
  } catch {
    // A read-only home costs the cache and nothing else.
  }
  ensureLoader();
}
