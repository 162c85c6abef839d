/**
 * Prepares a checkout, with nothing but Node: the dependencies, then an adapter to train on. Says what it does, and does
 * nothing where nothing is missing.
 *   node scripts/setup.mjs                an adapter for training
 *   node scripts/setup.mjs --tests        every adapter that the tests run on
 *   node scripts/setup.mjs swiftshader    this one
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 20;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** Runs a program in the checkout with its words on stderr, and stops with it when it fails. */
function run(program, args, shell = false) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2], shell });
  if (error) stop(`${program} could not be run (${error.message}). Install it, then try again.`);
  if (status !== 0) process.exit(status ?? 1);
}

function npm(...args) {
  const own = process.env.npm_execpath;
  if (own?.endsWith('npm-cli.js')) run(process.execPath, [own, ...args]);
  else run('npm', args, process.platform === 'win32'); // npm is a .cmd there, which only a shell starts
}

/** npm writes node_modules/.package-lock.json at the end of an install: absent or older means not installed. */
function dependenciesAreStale() {
  const [installed, wanted] = ['node_modules/.package-lock.json', 'package-lock.json'].map((path) => join(root, path));
  if (!existsSync(installed)) return true;
  return existsSync(wanted) && statSync(installed).mtimeMs < statSync(wanted).mtimeMs;
}

function installDependencies() {
  const command = existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install';
  console.error(`Installing the dependencies: npm ${command}`);
  npm(command, '--no-audit', '--no-fund', '--loglevel=error');
}

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
  stop(`dawnlm needs Node ${NODE_MAJOR} or newer, this is ${process.version}. Install a newer one, then try again.`);
}
if (dependenciesAreStale()) installDependencies();
run(process.execPath, ['--import', './src/node/typescript.mjs', 'scripts/drivers.ts', ...process.argv.slice(2)]);
