/**
 * Makes sure that this machine has the adapters that the work needs, and says which.
 *   node --import ./src/node/typescript.mjs scripts/drivers.ts                an adapter for training: a GPU, lavapipe or SwiftShader
 *   node --import ./src/node/typescript.mjs scripts/drivers.ts --tests        every adapter that the tests run on
 *   node --import ./src/node/typescript.mjs scripts/drivers.ts lavapipe ...   these ones, each
 *   node --import ./src/node/typescript.mjs scripts/drivers.ts --probe NAME   opens one adapter and prints its description
 */
import { spawnSync } from 'node:child_process';
import { UserError } from '../src/errors.ts';
import { openAdapter } from '../src/node/drivers.ts';
import { canFetchSwiftshader, canInstall, fetchSwiftshader, installLavapipe } from '../src/node/install.ts';
import { TEST_ADAPTERS } from './testAdapters.ts';

const say = (sentence: string) => console.error(sentence);

/** How each missing adapter is brought here; undefined where this machine and user cannot have it. */
const bringers: Record<string, (() => Promise<void>) | undefined> = {
  lavapipe: canInstall() ? () => installLavapipe(say) : undefined,
  swiftshader: canFetchSwiftshader() ? () => fetchSwiftshader(say) : undefined,
};

/** Opens an adapter in a fresh process, since a Vulkan loader that was just upgraded is not the one loaded here. */
function probe(choice: string): { description: string; reason: string } {
  const args = [...process.execArgv, process.argv[1], '--probe', choice];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const reason = stderr.trim().split('\n').at(-1) ?? '';
  return { description: status === 0 ? stdout.trim() : '', reason };
}

async function bring(choice: string): Promise<string> {
  const { description, reason } = probe(choice);
  if (description) return description;
  if (!bringers[choice]) throw new UserError(reason);
  await bringers[choice]();
  const second = probe(choice);
  if (!second.description) throw new UserError(second.reason);
  return second.description;
}

/** An adapter for training: what is there, else the first software driver that can be brought here. */
async function bringAny(): Promise<string> {
  const { description, reason } = probe('auto');
  if (description) return description;
  for (const choice of Object.keys(bringers).filter((name) => bringers[name])) {
    try {
      return await bring(choice);
    } catch (error) {
      say((error as Error).message);
    }
  }
  throw new UserError(reason);
}

async function main(args: string[]): Promise<void> {
  if (args[0] === '--probe') {
    const { description, driver } = await openAdapter(args[1]);
    console.log(driver === 'gpu' ? description : `${description} (software)`);
    return;
  }
  const wanted = args[0] === '--tests' ? TEST_ADAPTERS : args.length ? args : [process.env.DAWNLM_ADAPTER || 'auto'];
  for (const choice of wanted) {
    say(`Adapter ${choice}: ${choice === 'auto' ? await bringAny() : await bring(choice)}`);
  }
}

try {
  await main(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  say(error.message);
  process.exit(error.exitCode);
}
