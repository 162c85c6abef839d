/** Refusals as OpenAI's clients read them. */
import { UserError } from '../errors.ts';
import type { Refuse } from '../schema.ts';
import { Closed, QueueFull } from './scheduler.ts';

/** Statuses that requests are refused with, and the type that OpenAI has for each. */
const TYPES = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  405: 'invalid_request_error',
  408: 'invalid_request_error',
  413: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'server_error',
  503: 'server_error',
} as const;
export type RefusalStatus = keyof typeof TYPES;

/** What an answer to a refused request holds. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The field that is wrong, where it is one. */
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** A request that is refused, in a sentence for whoever sent it. */
export class ApiError extends Error {
  constructor(
    readonly status: RefusalStatus,
    message: string,
    readonly code: string | null = null,
    readonly param: string | null = null,
  ) {
    super(message);
  }

  get body(): ErrorBody {
    const { message, status, param, code } = this;
    return { error: { message, type: TYPES[status], param, code } };
  }
}

/** Refuses a body for what a schema says of it: the sentence begins with the field. */
export const wrongBody: Refuse = (problem) => {
  const [, field = null] = /^(\w+)\S* (?:must|has|is) /.exec(problem) ?? [];
  return new ApiError(400, `The request cannot be read: ${problem}.`, null, field === 'it' ? null : field);
};

/** Seconds after which a client may try again when all places are taken. */
export const RETRY_AFTER_S = 1;

/** Any error as the refusal that tells the client of it. What should not happen is a 500 without its details. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueueFull) {
    return new ApiError(429, 'The queue is full: try again in a moment.', 'rate_limit_exceeded');
  }
  if (error instanceof Closed) return new ApiError(503, 'The server is being stopped.', 'stopping');
  if (error instanceof UserError) return new ApiError(400, error.message);
  return new ApiError(500, 'Something went wrong in the server; its operator finds more on its standard error.');
}
