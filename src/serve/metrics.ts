/** Counters and histograms in the text form that Prometheus reads. */
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import type { Models } from './models.ts';

/** Upper bounds of the histograms' classes: seconds. */
const BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

class Histogram {
  private readonly counts = BOUNDS_S.map(() => 0);
  private total = 0;
  private sum = 0;

  add(seconds: number): void {
    this.total++;
    this.sum += seconds;
    for (const [i, bound] of BOUNDS_S.entries()) if (seconds <= bound) this.counts[i]++;
  }

  lines(name: string, labels: string): string[] {
    const own = labels === '' ? '' : `{${labels}}`;
    const with_ = (bound: string): string => `{${labels === '' ? '' : `${labels},`}le="${bound}"}`;
    return [
      ...BOUNDS_S.map((bound, i) => `${name}_bucket${with_(String(bound))} ${this.counts[i]}`),
      ...[
        `${name}_bucket${with_('+Inf')} ${this.total}`,
        `${name}_sum${own} ${this.sum}`,
        `${name}_count${own} ${this.total}`,
      ],
    ];
  }
}

const escaped = (text: string): string => text.replace(/["\\\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`));

/** What a server counts. */
export class Metrics {
  private readonly requests = new Map<string, number>();
  private readonly times = new Map<string, Histogram>();
  private readonly firstTokens = new Histogram();
  private readonly later = new WeakSet<Context>();
  private readonly starts = new WeakMap<Context, number>();

  /** Counts a request and how long it took; of a stream, until it ended. */
  async request(c: Context, next: () => Promise<void>): Promise<void> {
    this.starts.set(c, performance.now());
    await next();
    if (!this.later.has(c)) this.end(c);
  }

  /** Says of a request that its answer ends when what is returned is called, and not when it begins. */
  endsLater(c: Context): () => void {
    this.later.add(c);
    let ended = false;
    return () => {
      if (!ended) this.end(c);
      ended = true;
    };
  }

  /** Notes how long a client waited for the first piece of an answer. */
  firstToken(timeMs: number): void {
    this.firstTokens.add(timeMs / 1000);
  }

  /** All figures as Prometheus reads them. */
  text(models: Models): string {
    const metric = (name: string, type: string, help: string, lines: readonly string[]): string =>
      [`# HELP dawnlm_${name} ${help}`, `# TYPE dawnlm_${name} ${type}`, ...lines, ''].join('\n');
    const each = (name: string, of: (stats: (typeof models.writing)[number]['scheduler']['stats']) => number) =>
      models.writing.map((model) => `dawnlm_${name}{model="${escaped(model.name)}"} ${of(model.scheduler.stats)}`);
    const gauges = [
      ['sequences_active', 'gauge', 'Sequences that are decoded now.', each('sequences_active', (s) => s.active)],
      ['sequences_waiting', 'gauge', 'Sequences that wait for a place.', each('sequences_waiting', (s) => s.queued)],
      ['prompt_tokens_total', 'counter', 'Tokens of prompts read.', each('prompt_tokens_total', (s) => s.promptTokens)],
      [
        'generated_tokens_total',
        'counter',
        'Tokens written.',
        each('generated_tokens_total', (s) => s.generatedTokens),
      ],
      ['decoding_steps_total', 'counter', 'Steps of decoding.', each('decoding_steps_total', (s) => s.steps)],
    ] as const;
    const counted = [...this.requests].map(([labels, n]) => `dawnlm_requests_total{${labels}} ${n}`);
    const timed = [...this.times].flatMap(([path, one]) => one.lines('dawnlm_request_seconds', `path="${path}"`));
    return [
      metric('requests_total', 'counter', 'Requests by path and status.', counted),
      metric('request_seconds', 'histogram', 'Time until an answer ended.', timed),
      metric(
        'first_token_seconds',
        'histogram',
        'Time until the first piece of an answer.',
        this.firstTokens.lines('dawnlm_first_token_seconds', ''),
      ),
      ...gauges.map(([name, type, help, lines]) => metric(name, type, help, lines)),
    ].join('');
  }

  private end(c: Context): void {
    const path = routeOf(c);
    const labels = `path="${path}",status="${c.res.status}"`;
    this.requests.set(labels, (this.requests.get(labels) ?? 0) + 1);
    const times = this.times.get(path) ?? new Histogram();
    this.times.set(path, times);
    times.add((performance.now() - this.starts.get(c)!) / 1000);
  }
}

/** The route that answers, and not the path that was asked for: else whoever asks for many paths fills the memory. */
const routeOf = (c: Context): string => (c.res.status === 404 ? 'none' : escaped(routePath(c)));
