/** Small models, served without a socket. */
import { Head } from '../../src/model/heads.ts';
import type { App } from '../../src/serve/app.ts';
import { type AppOptions, makeApp } from '../../src/serve/app.ts';
import { Models, type ServedModel, type TextModel } from '../../src/serve/models.ts';
import { Scheduler } from '../../src/serve/scheduler.ts';
import { Turns } from '../../src/serve/turns.ts';
import { Classifier } from '../../src/tasks/classify/classifier.ts';
import { Tagger } from '../../src/tasks/tag/tagger.ts';
import { DEFAULT_TEMPLATE, parseTemplate } from '../../src/text/chat/chatTemplate.ts';
import { type Tokenizer, trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { TEXT } from '../helpers/dawnlm.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { inChunks } from '../text/tokenizers/samples.ts';

/** Tokens of several letters, and all bytes. */
export const tokenizer: Tokenizer = await trainTokenizer('bpe:300', inChunks(TEXT));

/** A model that writes: random weights, a context of 48 tokens. */
export async function textModel(
  more: Partial<TextModel> & { queue?: number; sequences?: number } = {},
): Promise<TextModel> {
  const { queue, sequences, ...given } = more;
  const style = 'llama';
  const model = smallModel(await testEngine(), style, { vocabSize: tokenizer.vocabSize, blockSize: 48 });
  const scheduler = new Scheduler(model, { queue, sequences });
  const template = parseTemplate(DEFAULT_TEMPLATE);
  return {
    ...{
      task: 'text',
      name: 'tiny',
      created: 1,
      model,
      tokenizer,
      template,
      tuned: false,
      fills: false,
      wholeLines: false,
      scheduler,
    },
    ...given,
  };
}

/** A classifier and a tagger that were never tuned. */
export async function labelModels(): Promise<ServedModel[]> {
  const engine = await testEngine();
  const model = smallModel(engine, 'llama', { vocabSize: tokenizer.vocabSize, blockSize: 48 });
  const head = (classes: number) => new Head(engine, model.config.nEmbd, classes).initialize(3);
  const classes = ['sea', 'land', 'air'];
  const tags = ['O', 'B-PER', 'I-PER'];
  const classifier = new Classifier({ model, head: head(3), tokenizer, classes, pooling: 'last', temperature: 1 });
  const tagger = new Tagger({ model, head: head(3), tokenizer, tags, bidirectional: false }, 4);
  return [
    { task: 'classify', name: 'kinds', created: 2, classifier, turns: new Turns() },
    { task: 'tag', name: 'names', created: 3, tagger, turns: new Turns() },
  ];
}

/** An app of these models, or of one that writes. */
export async function app(models?: readonly ServedModel[], options: Partial<AppOptions> = {}): Promise<App> {
  return makeApp({ models: new Models(models ?? [await textModel()]), loopback: true, ...options });
}

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, which the tests say
export type Answer = { status: number; headers: Headers; body: any };

/** Posts JSON (or a text as it is) and reads the answer. */
export async function post(
  to: App,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const content = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await to.request(path, { method: 'POST', body: content, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Posts JSON with `stream: true`: the data of each event, the last of which must be [DONE]. */
export async function stream(to: App, path: string, body: object): Promise<Answer['body'][]> {
  const response = await to.request(path, { method: 'POST', body: JSON.stringify({ ...body, stream: true }) });
  const events = (await response.text()).split('\n\n').filter(Boolean);
  const data = events.map((event) => event.replace(/^data: /, ''));
  if (data.pop() !== '[DONE]') throw new Error(`the stream has no end: ${data}`);
  return data.map((one) => JSON.parse(one));
}
