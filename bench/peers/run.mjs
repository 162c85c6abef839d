/** Starts a peer's script with TypeScript understood, as bin/dawnlm.mjs starts the command line: run.mjs <script> [argument]. */
import { register } from 'tsx/esm/api';

register({ tsconfig: false });
await import(new URL(process.argv[2], import.meta.url).href);
