/** The libraries that dawnlm is measured against: what each can do, and how it is had. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '../../src/node/files.ts';
import type { WorkName } from './job.ts';

/** A program to start, with what its environment has beside ours. */
export interface Command {
  argv: readonly [program: string, ...words: string[]];
  env: Readonly<Record<string, string>>;
}

export interface Peer {
  name: string;
  works: readonly WorkName[];
  /** npm packages that it needs, with their versions; --install fetches them. */
  packages: Readonly<Record<string, string>>;
  /** How it is had, as the end of "absent: ...". */
  how: string;
  /** How it is started; undefined where it is absent. */
  find(): Promise<Command | undefined>;
}

const MODELS: readonly WorkName[] = ['train', 'forward', 'decode', 'matmul'];
const EVERYTHING: readonly WorkName[] = [...MODELS, 'products'];

/** Where peers are installed: they are no dependencies of dawnlm. */
export const peersFolder = (): string => join(cacheFolder(), 'peers');

const scriptPath = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** A script of this folder in Node. */
const inNode = (file: string, env: Command['env'] = {}): Command => ({
  argv: [process.execPath, scriptPath('../run.mjs'), `./peers/${file}`],
  env: { ...env, DAWNLM_PEERS: peersFolder() },
});

const isInstalled = (name: string): boolean => existsSync(join(peersFolder(), 'node_modules', name, 'package.json'));

type PackagedPeer = Pick<Peer, 'name' | 'works' | 'packages'> & { script: string; backend?: string };

/** A peer that npm has. */
const fromNpm = ({ script, backend = '', ...peer }: PackagedPeer): Peer => ({
  ...peer,
  how: `dawnlm bench peers --install --only ${peer.name}`,
  find: async () =>
    Object.keys(peer.packages).every(isInstalled) ? inNode(script, { DAWNLM_PEER_BACKEND: backend }) : undefined,
});

/** The backends of a library, each a peer. */
const backendsOf = (
  { name, ...about }: Omit<PackagedPeer, 'packages'>,
  packages: (backend: string) => Peer['packages'],
  ...backends: readonly string[]
): Peer[] =>
  backends.map((backend) => fromNpm({ ...about, name: `${name}-${backend}`, backend, packages: packages(backend) }));

const tfjs = (backend: string) => ({
  ...{ '@tensorflow/tfjs': '4.22.0', [`@tensorflow/tfjs-backend-${backend}`]: '4.22.0' },
});
/** core-js has the helpers of iterators that Node 20 lacks. */
const jax = () => ({ '@jax-js/jax': '0.1.25', 'core-js': '3.51.0' });
const onnxruntime = () => ({ 'onnxruntime-node': '1.30.0' });

/** node-llama-cpp's binary for this machine: the plain one; those for CUDA and Vulkan are some 100 MB more. */
function llamaBinary(): string {
  const { platform, arch } = process;
  if (platform === 'darwin') return arch === 'arm64' ? 'mac-arm64-metal' : 'mac-x64';
  return `${platform === 'win32' ? 'win' : 'linux'}-${arch}`;
}

/** Programs that may be a Python with torch: a Python of one's own often hides the system's, which has Debian's torch. */
const PYTHONS = ['python3', '/usr/bin/python3', 'python'];
const HAS_TORCH = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)';

/** A Python that has PyTorch, if there is one. */
export async function pythonWithTorch(): Promise<string | undefined> {
  for (const python of PYTHONS) {
    const found = await promisify(execFile)(python, ['-c', HAS_TORCH]).catch(() => undefined);
    if (found) return python;
  }
  return undefined;
}

/** Threads that wait for one another by spinning take the cores that they wait for: 2.5 times slower on two. */
function pytorchEnvironment(): Command['env'] {
  const threads = String(availableParallelism());
  return { OMP_WAIT_POLICY: 'passive', OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads, ...vectors() };
}

/** A CPU younger than OpenBLAS itself is taken for one of 2004 by it, without AVX: three times slower. */
function vectors(): Command['env'] {
  const flags = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const type = /\bavx512bw\b/.test(flags) ? 'SkylakeX' : /\bavx2\b/.test(flags) ? 'Haswell' : undefined;
  return type ? { OPENBLAS_CORETYPE: type } : {};
}

/** PyTorch's side of the protocol. */
export async function findPytorch(): Promise<Command | undefined> {
  const python = await pythonWithTorch();
  return python ? { argv: [python, scriptPath('pytorch.py')], env: pytorchEnvironment() } : undefined;
}

/** OpenBLAS with the vectors of lavapipe, whose code is of 256 bits also where the CPU has 512. */
async function findOpenblas256(): Promise<Command | undefined> {
  const found = process.arch === 'x64' ? await findPytorch() : undefined;
  return found && { ...found, env: { ...found.env, OPENBLAS_CORETYPE: 'Haswell' } };
}

/** dawnlm first: the others' figures are ratios to its. */
export const PEERS: readonly Peer[] = [
  { name: 'dawnlm', works: EVERYTHING, packages: {}, how: '', find: async () => inNode('dawnlm.ts') },
  ...backendsOf({ name: 'tfjs', works: MODELS, script: 'tfjs.mjs' }, tfjs, 'webgpu', 'wasm'),
  ...backendsOf({ name: 'jax-js', works: MODELS, script: 'jax.mjs' }, jax, 'webgpu', 'wasm'),
  {
    ...{ name: 'pytorch', works: EVERYTHING, packages: {}, find: findPytorch },
    how: 'apt-get install python3-torch libopenblas0-pthread, or pip install torch',
  },
  {
    ...{ name: 'openblas-256', works: ['matmul', 'products'], packages: {}, find: findOpenblas256 },
    how: 'on x64, as PyTorch with OpenBLAS',
  },
  ...backendsOf(
    { name: 'onnxruntime', works: ['forward', 'matmul'], script: 'onnxruntime.ts' },
    onnxruntime,
    ...['webgpu', 'cpu'],
  ),
  fromNpm({
    ...{ name: 'llama.cpp', works: ['decode'], script: 'llama.mjs' },
    packages: { 'node-llama-cpp': '3.22.1', [`@node-llama-cpp/${llamaBinary()}`]: '3.22.1' },
  }),
];
