#!/usr/bin/env node
/** Puts the verbs of all rooms together and starts the command line. TypeScript is compiled in memory by tsx, there is no build. */

/** Says what keeps the command line from starting. */
function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

try {
  process.cwd(); // or many a library would fail at it
  await Promise.all([import('zod'), import('commander')]); // sooner than tsx, which would look at each of their files
  await import('../src/node/typescript.mjs');
} catch (error) {
  if (error.syscall === 'uv_cwd') stop('The folder that this was started in is gone. Change to another one first.');
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  stop('The dependencies of dawnlm are not installed. Run "npm start" or "npm install" in its folder first.');
}
const { main } = await import('../src/cli/main.ts');
await main({
  experiment: async () => (await import('../experiments/verbs/experiment.ts')).addExperiment,
  bench: async () => (await import('../bench/verbs/bench.ts')).addBench,
});
