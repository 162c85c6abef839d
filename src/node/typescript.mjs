/**
 * Lets this process import TypeScript: tsx compiles it in memory and keeps what it compiled. To be imported before anything that is
 * TypeScript, so that it is none itself.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where tsx may keep compiled code: the cache folder, with a folder in it that nobody else can write. By itself tsx takes that folder
 * from the temporary directory, whoever made it there, and runs what lies in it. Undefined where there is none such.
 */
function ownFolder() {
  try {
    const cache = process.env.DAWNLM_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'dawnlm');
    const compiled = join(cache, `tsx-${process.geteuid()}`); // the name that tsx gives it
    mkdirSync(compiled, { recursive: true, mode: 0o700 });
    const found = lstatSync(compiled);
    return found.isDirectory() && found.uid === process.geteuid() && (found.mode & 0o022) === 0 ? cache : undefined;
  } catch {
    return undefined; // no home, or one that cannot be written
  }
}

/** Sets variables of the environment, or takes them away, while `work` is done. */
async function withEnvironment(variables, work) {
  const before = Object.keys(variables).map((name) => [name, process.env[name]]);
  for (const [name, value] of Object.entries(variables)) process.env[name] = value;
  await work();
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

async function registerTsx() {
  const { register } = await import('tsx/esm/api');
  register({ tsconfig: false }); // or tsx would obey a tsconfig.json of the folder that the user stands in
}

const folder = ownFolder();
if (process.platform === 'win32')
  await registerTsx(); // the temporary directory is the user's own there
else await withEnvironment(folder ? { TMPDIR: folder } : { TSX_DISABLE_CACHE: '1' }, registerTsx);
