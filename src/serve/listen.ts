/** The server on a socket: times that a request may take to arrive, and how it ends. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { UserError } from '../errors.ts';
import { errorCode } from '../node/files.ts';
import type { App } from './app.ts';
import type { Models } from './models.ts';

/** Time in which a request's headers, and all of it, must have come: who sends slower holds a connection for nothing. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;

/** How often connections without a request are closed while the server ends. */
const SWEEP_MS = 20;

export interface ListenOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Time that a request may take to arrive: half a minute unless given. */
  readonly requestMs?: number;
}

/** A server that listens. */
export interface Listening {
  /** Such as http://127.0.0.1:8080 */
  readonly url: string;
  /** Takes nothing new, and ends when what is open has been answered. */
  close(): Promise<void>;
}

/** Listens for requests. @throws UserError when the address cannot be had */
export async function listen(
  app: App,
  models: Models,
  { host, port, requestMs = REQUEST_MS }: ListenOptions,
): Promise<Listening> {
  const serverOptions = {
    headersTimeout: Math.min(HEADERS_MS, requestMs),
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(1000, requestMs),
  };
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, serverOptions }) as Server;
  await new Promise<void>((done, failed) => {
    server.once('error', (error) => failed(unavailable(error, host, port)));
    server.listen(port, host, done);
  });
  const { address, family, port: own } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${own}`,
    close: async () => {
      app.stop();
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS); // clients keep theirs for a next request
      await new Promise((done) => server.close(done));
      clearInterval(sweep);
      await Promise.all(models.writing.map(({ scheduler }) => scheduler.close()));
    },
  };
}

function unavailable(error: Error, host: string, port: number): UserError {
  const code = errorCode(error);
  const why = new Map([
    ['EADDRINUSE', `port ${port} of ${host} is in use: choose another one with --port, or 0 for any that is free`],
    ['EACCES', `port ${port} needs more rights than this user has: choose one above 1023 with --port`],
    ['EADDRNOTAVAIL', `${host} is no address of this machine: leave --host out, or give one that it has`],
    ['ENOTFOUND', `there is no host ${host}: leave --host out, or give an address of this machine`],
  ]);
  return new UserError(why.get(code) ?? `${host}, port ${port}, cannot be listened on (${code})`, { cause: error });
}
