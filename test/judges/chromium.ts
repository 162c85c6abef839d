/** Chromium, driven over a pipe by the DevTools protocol: no package is needed for that. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** As root, as in containers, there is no sandbox. */
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', '--no-first-run'];

type Answer = Record<string, unknown>;

/** The program, where there is one. */
export const findChromium = (): string | undefined => process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));

/** A browser of its own, with a profile that is removed when it is closed. */
export class Browser {
  private readonly profile = mkdtempSync(join(tmpdir(), 'dawnlm-chromium-'));
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (message: Answer) => void>();
  private calls = 0;

  constructor() {
    const flags = [...FLAGS, `--user-data-dir=${this.profile}`];
    this.child = spawn(findChromium()!, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    let rest = '';
    (this.child.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (rest + chunk).split('\0');
      rest = messages.pop()!;
      for (const text of messages) {
        const message = JSON.parse(text);
        this.waiting.get(message.id)?.(message);
        this.waiting.delete(message.id);
      }
    });
  }

  /** Calls a method of the protocol. @throws Error with what the browser says against it */
  async call(method: string, params: object = {}, sessionId?: string): Promise<Answer> {
    const id = ++this.calls;
    const answer = new Promise<Answer>((done) => this.waiting.set(id, done));
    (this.child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result as Answer;
  }

  /** Opens a page and waits until it is loaded. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page((method, params) => this.call(method, params, sessionId as string));
    await page.call('Page.enable');
    await page.call('Page.navigate', { url });
    await page.until(`location.href !== 'about:blank' && document.readyState === 'complete'`);
    return page;
  }

  async close(): Promise<void> {
    const ended = new Promise((done) => this.child.once('exit', done));
    await this.call('Browser.close').catch(() => undefined);
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A page of a browser. */
export class Page {
  constructor(readonly call: (method: string, params?: object) => Promise<Answer>) {}

  /** The value of an expression in the page; a promise's when it has one. */
  async value<T>(expression: string): Promise<T> {
    const asked = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = (await this.call('Runtime.evaluate', asked)) as {
      result: { value: T };
      exceptionDetails?: { exception?: { description?: string } };
    };
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? expression);
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression: string, timeMs = 20_000): Promise<void> {
    const end = performance.now() + timeMs;
    while (!(await this.value<boolean>(`Boolean(${expression})`))) {
      if (performance.now() > end) throw new Error(`it never came to be that ${expression}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** Presses a key: 'Enter', 'Escape', 'ArrowRight', 'Tab'. */
  async press(key: string, modifiers = 0): Promise<void> {
    const text = key === 'Enter' ? '\r' : undefined;
    const code = { Enter: 13, Escape: 27, ArrowRight: 39, ArrowLeft: 37, Tab: 9 }[key];
    const event = { key, code: key, windowsVirtualKeyCode: code, modifiers };
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', text, ...event });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  type = (text: string): Promise<Answer> => this.call('Input.insertText', { text });

  /** A PNG of what is seen. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.call('Page.captureScreenshot', { captureBeyondViewport: false });
    return Buffer.from(data as string, 'base64');
  }

  /** How wide and high the window is, and which colours the user prefers. */
  async show(width: number, height: number, scheme: 'light' | 'dark'): Promise<void> {
    await this.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }
}
