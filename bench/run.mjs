/** Runs a script beside it that is TypeScript, as bin/dawnlm.mjs does the command line: run.mjs <script> [argument]. */
import '../src/node/typescript.mjs';

await import(new URL(process.argv[2], import.meta.url).href);
