/** Who may ask: keys, and requests that a page of somebody else's makes a browser send. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, Next } from 'hono';
import { ApiError } from './errors.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Lets requests pass that bring the key; comparing takes as long for any key. */
export function requireKey(key: string) {
  const expected = digest(key);
  return async (c: Context, next: Next): Promise<void> => {
    const [, given] = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
    if (given === undefined) {
      throw new ApiError(401, 'This server needs a key: send Authorization: Bearer KEY.', 'missing_api_key');
    }
    if (!timingSafeEqual(digest(given), expected)) {
      throw new ApiError(401, 'That is not the key of this server.', 'invalid_api_key');
    }
    await next();
  };
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether an address is this machine's own, which no other machine reaches. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host) || host === '::1';

/**
 * Keeps pages of other sites from using the server through the browser of someone who looks at them. A page that another site serves
 * names its origin; one whose name was pointed at this machine behind the browser's back (DNS rebinding) says that name as the host.
 * @param loopback whether only this machine is meant to ask
 */
export function refuseOtherSites(loopback: boolean) {
  return async (c: Context, next: Next): Promise<void> => {
    const { host, hostname } = new URL(c.req.url);
    if (loopback && !isLoopback(hostname)) {
      throw new ApiError(
        403,
        'This server answers to localhost alone, and the request names another host.',
        'wrong_host',
      );
    }
    const origin = c.req.header('origin');
    if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host) {
      throw new ApiError(403, 'Pages of other sites may not use this server.', 'wrong_origin');
    }
    await next();
  };
}
