/** Bodies of requests, read with mistrust. */
import type { Context } from 'hono';
import type { z } from 'zod';
import { check, parseJson } from '../schema.ts';
import { ApiError, wrongBody } from './errors.ts';

/** Bytes of a body at most: 8 MB, some hundred prompts of a thousand tokens each as ids. */
export const MOST_BYTES = 8_000_000;

/** The body of a request as its schema has it. @throws ApiError when it is too large, not JSON, or something in it is wrong */
export async function readBody<S extends z.ZodType>(c: Context, schema: S): Promise<z.output<S>> {
  const value = parseJson(await readText(c.req.raw), (problem) => {
    return new ApiError(400, `The request's body cannot be read: ${problem}.`);
  });
  return check(schema, withoutNulls(value), wrongBody);
}

/** Clients write null for what they leave open. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

async function readText(request: Request): Promise<string> {
  if (Number(request.headers.get('content-length')) > MOST_BYTES) throw tooLarge();
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of (request.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    sizeBytes += part.length;
    if (sizeBytes > MOST_BYTES) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

const tooLarge = (): ApiError =>
  new ApiError(413, `The request's body is larger than the ${MOST_BYTES.toLocaleString('en')} bytes that are read.`);
