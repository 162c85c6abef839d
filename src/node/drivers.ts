/**
 * Finds adapters and opens one: a real GPU first, then Mesa lavapipe, then SwiftShader. Vulkan reads its list of drivers
 * when a Dawn instance first looks for adapters, so each question about a driver gets an instance of its own (1 to 30 ms).
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { UsageError, UserError } from '../errors.ts';
import { findIcd, prepareVulkan, SOFTWARE, useIcd, usersIcds, useThreads } from './icd.ts';

const TOGGLES = [
  'enable-dawn-features=allow_unsafe_apis',
  'disable-dawn-features=timestamp_quantization', // timestamps in steps of 1 ns, not of 0.1 ms
];
const SETUP = 'Run "npm run setup" in the checkout, which installs or fetches a software driver';

/** Kinds of drivers, in the order in which `auto` takes them. */
const KINDS = ['gpu', ...SOFTWARE] as const;
type Kind = (typeof KINDS)[number];
const CHOICES = `auto, ${KINDS.join(', ')}, or a part of an adapter's name`;

/** How each driver is had, for people who want to do it themselves. */
const HOW: Record<Kind, string> = {
  gpu: "a GPU's own driver",
  lavapipe:
    'Debian 13, Ubuntu: apt-get install mesa-vulkan-drivers libvulkan1; Debian 12: the same with -t bookworm-backports',
  swiftshader: 'npm run setup -- swiftshader (linux x64: unpacks it from the npm package @sparticuz/chromium)',
};

/** A driver that could serve, as `doctor` lists them. */
export interface AdapterFound {
  /** Value for --adapter: gpu, lavapipe or swiftshader. */
  choice: Kind;
  kind: 'gpu' | 'software';
  /** Dawn's description of the adapter; undefined when the driver is absent or refused. */
  description?: string;
  /** Where it comes from when it is there, or how it can be had when it is not. */
  how: string;
}

/** An adapter with the entry point that made it. */
export interface OpenedAdapter {
  /** Dawn's entry point; the process holds on to it, since Dawn dies with it. */
  gpu: GPU;
  adapter: GPUAdapter;
  /** The adapter in words, e.g. 'llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)'. */
  description: string;
  /** True when the CPU plays the GPU: figures of speed must say so. */
  software: boolean;
  /** Which kind of driver serves; 'software' is one that has no name here, such as Windows' WARP. */
  driver: Kind | 'software';
}

/** What the adapter is wanted for. */
export interface AdapterUse {
  /**
   * Dispatches of a few microseconds, as for the tokens of a small model. lavapipe then works on the thread that submits, for
   * others take longer to wake up (decoding `nano`: 2.2 times the tokens a second). The user's own LP_NUM_THREADS holds.
   */
  smallWork?: boolean;
}

type Dawn = typeof import('webgpu');
const alive: GPU[] = [];

/** Loads Dawn (its binary and its globals such as GPUBufferUsage) with Vulkan prepared first. */
async function loadDawn(): Promise<Dawn> {
  prepareVulkan();
  try {
    const dawn = await import('webgpu');
    Object.assign(globalThis, dawn.globals);
    return dawn;
  } catch (error) {
    const machine = `${process.platform}-${process.arch}`;
    throw new UserError(`Dawn could not be loaded on ${machine}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Dawn prints warnings about Vulkan limits straight to file descriptor 2, in the middle of what the user reads, and nothing in
 * its API turns them off. They come inside the synchronous part of requestAdapter, so the descriptor of a terminal or a pipe is
 * swapped for that long. A file would lose the position that it may share, with standard output or with whoever started this
 * process: there they are taken out afterwards. Sockets, which parents in Node give for pipes, cannot be opened again.
 */
function withoutStderr<T>(call: () => T): T {
  if (process.platform !== 'linux') return call();
  const stats = standardError();
  if (stats?.isFile()) return withoutLines(call, stats.size);
  const kept = reopen('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK); // a FIFO may have lost its reader
  if (kept === undefined) return call();
  closeSync(2); // an open takes the lowest free number, which is 2 now
  reopen('/dev/null');
  try {
    return call();
  } finally {
    closeSync(2);
    reopen(`/proc/self/fd/${kept}`);
    closeSync(kept);
  }
}

/** Undefined where it is closed. */
function standardError(): Stats | undefined {
  try {
    return fstatSync(2);
  } catch {
    return undefined;
  }
}

/** Undefined where the file may not be opened: a terminal that belongs to another user, after `su`. */
function reopen(path: string, flags: number = constants.O_WRONLY): number | undefined {
  try {
    return openSync(path, flags);
  } catch {
    return undefined;
  }
}

const WARNINGS = /^(Warning: maxDynamic.*\n)+$/;

/**
 * Of a file that grew from `size` by Dawn's lines alone: cuts them off where writers append. Else the position is behind them, and
 * cannot be moved: they become a line of spaces.
 */
function withoutLines<T>(call: () => T, size: number): T {
  const result = call();
  const file = reopen('/proc/self/fd/2', constants.O_RDWR);
  if (file === undefined) return result;
  const grown = Buffer.alloc(Math.min(4096, fstatSync(file).size - size));
  readSync(file, grown, 0, grown.length, size);
  if (WARNINGS.test(grown.toString())) {
    const flags = Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync('/proc/self/fdinfo/2', 'utf8'))?.[1] ?? '0', 8);
    if (flags & constants.O_APPEND) ftruncateSync(file, size);
    else writeSync(file, `${' '.repeat(grown.length - 1)}\n`, size);
  }
  closeSync(file);
  return result;
}

function newInstance(dawn: Dawn, icd: string | undefined, flags: string[]): GPU {
  useIcd(icd);
  const gpu = dawn.create([...TOGGLES, ...flags]);
  alive.push(gpu);
  return gpu;
}

/** Dawn's description is the driver's, which names a software adapter well; a GPU has its model in `device`. */
function describe({ vendor, device, description }: GPUAdapterInfo, driver: OpenedAdapter['driver']): string {
  if (driver !== 'gpu') return description || device;
  return `${[vendor, device].filter(Boolean).join(' ')}${description && ` (${description})`}`;
}

function driverOf(text: string, fallback: boolean): OpenedAdapter['driver'] {
  if (/swiftshader/i.test(text)) return 'swiftshader';
  if (/llvmpipe|lavapipe/i.test(text)) return 'lavapipe';
  return fallback ? 'software' : 'gpu';
}

/** Asks for one adapter; null when Dawn finds none that it accepts. */
async function request(dawn: Dawn, icd?: string, flags: string[] = []): Promise<OpenedAdapter | null> {
  const gpu = newInstance(dawn, icd, flags);
  const adapter = await withoutStderr(() => gpu.requestAdapter({ powerPreference: 'high-performance' }));
  if (!adapter) return null;
  const { description, device, isFallbackAdapter } = adapter.info;
  const driver = driverOf(`${description} ${device}`, isFallbackAdapter);
  return { gpu, adapter, description: describe(adapter.info, driver), software: driver !== 'gpu', driver };
}

/** The same of one kind of driver. */
async function requestKind(dawn: Dawn, kind: Kind): Promise<OpenedAdapter | null> {
  const icd = kind === 'gpu' ? undefined : findIcd(kind);
  if (kind !== 'gpu' && !icd) return null;
  const found = await request(dawn, icd);
  return found?.driver === kind ? found : null;
}

async function openAuto(dawn: Dawn): Promise<OpenedAdapter> {
  const first = await request(dawn);
  if (first && (!first.software || usersIcds !== undefined)) return first;
  for (const name of SOFTWARE) {
    const found = await requestKind(dawn, name);
    if (found) return found;
  }
  if (first) return first; // a software adapter without a name here
  throw new UserError(`No WebGPU adapter: no GPU, no Mesa lavapipe and no SwiftShader was found. ${advice()}`);
}

function advice(): string {
  if (process.platform !== 'linux') return "Update the graphics driver of this machine's GPU.";
  return `${SETUP}, or install lavapipe yourself (${HOW.lavapipe}).`;
}

async function openKind(dawn: Dawn, choice: Kind): Promise<OpenedAdapter> {
  const found = await requestKind(dawn, choice);
  if (found) return found;
  if (choice === 'gpu') {
    throw new UserError('No GPU with a working driver was found. Leave out --adapter to train on a software one.');
  }
  const icd = findIcd(choice);
  const why = icd ? `Dawn accepts none from ${icd}, it may be too old` : 'its driver is not installed';
  throw new UserError(`The adapter ${choice} was asked for, but ${why}. It is had so: ${HOW[choice]}.`);
}

/** Names of the adapters under one driver list. Dawn tells them when it is asked for a name that none has. */
async function adapterNames(dawn: Dawn, icd: string | undefined): Promise<string[]> {
  const gpu = newInstance(dawn, icd, ['adapter=\u0001']);
  try {
    await withoutStderr(() => gpu.requestAdapter());
    return [];
  } catch (error) {
    return [...String(error).matchAll(/name: '(.*)'/g)].map((match) => match[1]);
  }
}

async function openNamed(dawn: Dawn, part: string): Promise<OpenedAdapter> {
  const icds = [undefined, ...SOFTWARE.map(findIcd).filter((icd) => icd !== undefined)];
  const names = new Set<string>();
  for (const icd of icds) {
    for (const name of await adapterNames(dawn, icd)) {
      names.add(name);
      const found = name.toLowerCase().includes(part.toLowerCase()) && (await request(dawn, icd, [`adapter=${name}`]));
      if (found) return found;
    }
  }
  const list = [...names].join(', ') || 'none';
  throw new UsageError(`No adapter is called "${part}". Give ${CHOICES}. Adapters on this machine: ${list}.`);
}

/**
 * Opens the adapter that `choice` names: auto (a GPU, else lavapipe, else SwiftShader; but the best of VK_DRIVER_FILES
 * where the user has set that), gpu, lavapipe, swiftshader, or a part of an adapter's name. Default: the variable
 * DAWNLM_ADAPTER, else auto.
 * @throws UserError when the adapter is not there, with what to install; UsageError when no adapter has such a name
 */
export async function openAdapter(
  choice = process.env.DAWNLM_ADAPTER || 'auto',
  { smallWork = false }: AdapterUse = {},
): Promise<OpenedAdapter> {
  useThreads(smallWork ? 0 : undefined);
  const dawn = await loadDawn();
  if (choice === 'auto') return openAuto(dawn);
  const kind = KINDS.find((name) => name === choice);
  return kind ? openKind(dawn, kind) : openNamed(dawn, choice);
}

/** Every driver that could serve, in the order in which `auto` takes them, with what to do about the absent ones. */
export async function listAdapters(): Promise<AdapterFound[]> {
  const dawn = await loadDawn();
  const rows: AdapterFound[] = [];
  for (const choice of process.platform === 'linux' ? KINDS : (['gpu'] as const)) {
    const found = await requestKind(dawn, choice);
    const from = choice === 'gpu' ? "the system's driver" : (findIcd(choice) ?? '');
    const kind = choice === 'gpu' ? 'gpu' : 'software';
    rows.push({ choice, kind, description: found?.description, how: found ? from : HOW[choice] });
  }
  return rows;
}
