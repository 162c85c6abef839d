/** The page of `dawnlm serve` in Chromium, as somebody uses it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppOptions, makeApp } from '../../src/serve/app.ts';
import { type Listening, listen } from '../../src/serve/listen.ts';
import { Models, type ServedModel } from '../../src/serve/models.ts';
import { labelModels, textModel } from '../serve/served.ts';
import { Browser, type Page } from './chromium.ts';

let browser: Browser;
const servers: Listening[] = [];
beforeAll(() => {
  browser = new Browser();
});
afterAll(async () => {
  await browser.close();
  await Promise.all(servers.map((server) => server.close()));
});

async function open(all: readonly ServedModel[], options: Partial<AppOptions> = {}): Promise<Page> {
  const models = new Models(all);
  const server = await listen(makeApp({ models, loopback: true, ...options }), models, { host: '127.0.0.1', port: 0 });
  servers.push(server);
  return browser.open(server.url);
}

const TOKENS = `document.querySelectorAll('.token')`;
/** What stands where the result does. */
const text = (page: Page): Promise<string> => page.value(`document.querySelector('#text').textContent`);
const focusPrompt = (page: Page): Promise<void> => page.value(`document.querySelector('#prompt').select()`);
const CONTROL = 2;

it('writes, shows what each token was drawn from, and is used by keyboard alone', async () => {
  const page = await open([await textModel()]);
  await page.until(`document.querySelector('#facts').textContent.includes('tiny')`);
  await focusPrompt(page);
  await page.type('the <b>whale</b>');
  await page.press('Enter', CONTROL);
  await page.until(`/^120 tokens/.test(document.querySelector('#status').textContent)`);
  expect(await text(page)).toMatch(/^the <b>whale<\/b>/); // as text, not as a page's own
  for (let i = 0; i < 5; i++) await page.press('Tab'); // three sliders, a button, the first token
  await page.press('ArrowRight');
  await page.press('ArrowRight');
  const [chosen, rows, share] = await page.value<[number, number, number]>(
    `[[...${TOKENS}].indexOf(document.activeElement), document.querySelectorAll('#candidates li').length,
      [...document.querySelectorAll('#candidates li span')].reduce((sum, { textContent }) => sum + parseFloat(textContent), 0)]`,
  );
  expect(chosen).toBeGreaterThan(0);
  expect(rows).toBeGreaterThanOrEqual(8);
  expect(share).toBeGreaterThan(0.5);
  expect(await page.value(`document.querySelectorAll('.token[aria-pressed=true]').length`)).toBe(1);
});

it('stops when it is told to', async () => {
  const model = await textModel();
  const page = await open([model]);
  await page.until(`document.querySelector('#facts').textContent`);
  await page.value(`document.querySelector('#max_tokens').max = document.querySelector('#max_tokens').value = 60000`);
  await focusPrompt(page);
  await page.press('Enter', CONTROL);
  await page.until(`${TOKENS}.length > 3`);
  await page.press('Escape');
  await page.until(`document.querySelector('#status').textContent === 'Stopped.'`);
  for (let i = 0; i < 100 && model.scheduler.stats.active > 0; i++) await new Promise((done) => setTimeout(done, 20));
  expect(model.scheduler.stats.active).toBe(0);
});

it('labels texts where the model does', async () => {
  const page = await open(await labelModels());
  await page.until(`!document.querySelector('#models').hidden`);
  expect(await page.value(`document.querySelector('#settings').checkVisibility()`)).toBe(false);
  await focusPrompt(page);
  await page.type('the old whale');
  await page.press('Enter', CONTROL);
  await page.until(`document.querySelectorAll('#candidates li').length === 3`);
  expect(await text(page)).toMatch(/^(sea|land|air) \d+\.\d%$/);
  await page.value(`(() => { const select = document.querySelector('#model'); select.value = 'names';
    select.dispatchEvent(new Event('change')); })()`);
  await focusPrompt(page);
  await page.press('Enter', CONTROL);
  await page.until(`/found/.test(document.querySelector('#candidates').textContent)`);
});

it('asks for the key, and says what is refused', async () => {
  const page = await open([await textModel()], { key: 'sesame' });
  await page.until(`!document.querySelector('#ask').hidden`);
  await page.value(`document.querySelector('#key').focus()`);
  await page.type('sesame');
  await page.press('Enter');
  await page.until(`document.querySelector('#ask').hidden`);
  await focusPrompt(page);
  await page.type('whale '.repeat(100));
  await page.press('Enter', CONTROL);
  await page.until(`document.querySelector('#status.bad')`);
  expect(await page.value(`document.querySelector('#status').textContent`)).toMatch(/context holds 48 tokens/);
});

it.each([
  [1200, 'light', 'rgb(253, 252, 250)'],
  [1200, 'dark', 'rgb(21, 23, 27)'],
  [340, 'light', 'rgb(253, 252, 250)'],
  [340, 'dark', 'rgb(21, 23, 27)'],
] as const)('fits a window %i wide in %s colours', async (width, scheme, colour) => {
  const page = await open([await textModel()]);
  await page.show(width, 800, scheme);
  const [scroll, background] = await page.value<[number, string]>(
    `[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]`,
  );
  expect(scroll).toBeLessThanOrEqual(width);
  expect(background).toBe(colour);
});

it('asks nobody but its server', async () => {
  const page = await open([await textModel()]);
  await page.until(`document.querySelector('#facts').textContent`);
  const asked = await page.value<string[]>(`performance.getEntriesByType('resource').map(({ name }) => name)`);
  const own = await page.value<string>('location.origin');
  expect(asked.length).toBeGreaterThan(0);
  for (const url of asked) expect(url.startsWith(`${own}/`), url).toBe(true);
});
