#!/usr/bin/env node
/** Puts the verbs of all rooms together and starts the command line. TypeScript is compiled in memory by tsx, there is no build. */
try {
  await Promise.all([import('zod'), import('commander')]); // sooner than tsx, which would look at each of their files
  await import('../src/node/typescript.mjs');
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('The dependencies of dawnlm are not installed. Run "npm start" or "npm install" in its folder first.');
  process.exit(1);
}
const { main } = await import('../src/cli/main.ts');
await main({
  experiment: async () => (await import('../experiments/verbs/experiment.ts')).addExperiment,
  bench: async () => (await import('../bench/verbs/bench.ts')).addBench,
});
