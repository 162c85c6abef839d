/** The server's routes. What each does stands in a file of its own; here is what all of them have in common. */
import { type Context, Hono } from 'hono';
import { chat } from './chat.ts';
import { completions } from './completions.ts';
import { ApiError, asApiError, RETRY_AFTER_S } from './errors.ts';
import { refuseOtherSites, requireKey } from './guard.ts';
import { infill } from './infill.ts';
import { classify, tag } from './labels.ts';
import { Metrics } from './metrics.ts';
import { type Models, modelCard } from './models.ts';
import { PAGE, PAGE_POLICY } from './page/page.ts';
import { detokenize, tokenize, tokenizerInfo } from './tokens.ts';

export interface AppOptions {
  readonly models: Models;
  /** What clients have to bring; without one anybody is served. */
  readonly key?: string;
  /** Whether only this machine is meant to ask. */
  readonly loopback: boolean;
  /** Told of what should not have happened. */
  readonly say?: (line: string) => void;
}

/** The server, and the word that makes it take nothing new. */
export interface App extends Pick<Hono, 'fetch' | 'request'> {
  /** From now on requests are refused with 503; those that were begun go on. */
  stop(): void;
}

/** What may be asked for without a key. */
const OPEN = new Set(['/', '/health', '/v1/health']);

/** A server of models. It has no socket yet: see `listen`. */
export function makeApp({ models, key, loopback, say }: AppOptions): App {
  const metrics = new Metrics();
  let stopping = false;
  const app = new Hono();
  app.use(async (c, next) => metrics.request(c, next));
  app.use(refuseOtherSites(loopback));
  const keyed = key === undefined ? undefined : requireKey(key);
  app.use(async (c, next) => (keyed && !OPEN.has(c.req.path) ? keyed(c, next) : next()));
  app.use(async (c, next) => {
    if (stopping && c.req.method === 'POST') throw new ApiError(503, 'The server is being stopped.', 'stopping');
    await next();
  });
  const routes: Readonly<Record<string, (c: Context) => Response | Promise<Response>>> = {
    'GET /': (c) => c.html(PAGE, 200, { 'content-security-policy': PAGE_POLICY }),
    'POST /v1/completions': (c) => completions(c, models, metrics),
    'POST /v1/chat/completions': (c) => chat(c, models, metrics),
    'POST /infill': (c) => infill(c, models, metrics),
    'POST /v1/classify': (c) => classify(c, models),
    'POST /v1/tag': (c) => tag(c, models),
    'GET /v1/models': (c) => c.json({ object: 'list', data: models.all.map(modelCard) }),
    'GET /v1/models/:id': (c) => c.json(modelCard(models.named(c.req.param('id')!))),
    'POST /tokenize': (c) => tokenize(c, models),
    'POST /detokenize': (c) => detokenize(c, models),
    'GET /tokenizer_info': (c) => tokenizerInfo(c, models),
    'GET /health': (c) => c.json(healthOf(models, stopping), stopping ? 503 : 200),
    'GET /metrics': (c) => c.text(metrics.text(models), 200, { 'content-type': METRICS_TYPE }),
  };
  for (const [route, handler] of Object.entries(routes)) {
    const [method, path] = route.split(' ');
    app.on(method, path, handler);
    app.all(path, () => {
      throw new ApiError(405, `${path} is asked for with ${method}.`, 'method_not_allowed');
    });
  }
  app.notFound((c) =>
    refusal(c, new ApiError(404, `There is nothing at ${c.req.method} ${c.req.path}.`, 'unknown_url')),
  );
  app.onError((error, c) => {
    if (c.req.raw.signal.aborted) return c.body(null); // nobody reads it
    const refused = asApiError(error);
    if (refused.status === 500) say?.(`${c.req.method} ${c.req.path}: ${error.stack ?? error}`);
    return refusal(c, refused);
  });
  return {
    fetch: app.fetch,
    request: app.request,
    stop: () => {
      stopping = true;
    },
  };
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

function refusal(c: Context, { status, body }: ApiError): Response {
  if (status === 429 || status === 503) c.header('retry-after', String(RETRY_AFTER_S));
  if (status === 401) c.header('www-authenticate', 'Bearer');
  return c.json(body, status);
}

const healthOf = ({ writing }: Models, stopping: boolean) => ({
  status: stopping ? 'stopping' : 'ok',
  active: writing.reduce((sum, { scheduler }) => sum + scheduler.stats.active, 0),
  waiting: writing.reduce((sum, { scheduler }) => sum + scheduler.stats.queued, 0),
});
