/** What jax-js expects of a browser and Node 20 lacks: web workers that start from a blob, `navigator`. */
import { resolveObjectURL } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { Worker as Thread } from 'node:worker_threads';

/** The names that a worker's script uses. */
const PRELUDE = `
const { parentPort } = require('node:worker_threads');
const self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on('message', (data) => self.onmessage({ data }));
`;

/** A web worker as a thread of Node. Messages wait until its script has been read from the blob. */
globalThis.Worker ??= class {
  constructor(url) {
    this.thread = resolveObjectURL(url)
      .text()
      .then((source) => {
        const thread = new Thread(PRELUDE + source, { eval: true });
        thread.on('message', (data) => this.onmessage({ data }));
        thread.on('error', (error) => this.onerror(error));
        this.ready = thread;
        return thread;
      });
  }

  postMessage(message) {
    if (this.ready) this.ready.postMessage(message);
    else this.thread.then((thread) => thread.postMessage(message));
  }
};

if (!globalThis.navigator) {
  const navigator = { hardwareConcurrency: availableParallelism(), userAgent: 'Node' };
  Object.defineProperty(globalThis, 'navigator', { value: navigator });
}
