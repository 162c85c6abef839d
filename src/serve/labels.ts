/** POST /v1/classify and /v1/tag: what dawnlm classify and dawnlm tag say, over HTTP. */
import type { Context } from 'hono';
import { argmax } from '../tasks/metrics/classification.ts';
import { splitSentences } from '../text/labels/words.ts';
import { readBody } from './body.ts';
import { ApiError } from './errors.ts';
import type { Models } from './models.ts';
import { LabelRequest } from './requests.ts';

const listOf = (model: string, data: readonly object[]) => ({
  ...{ object: 'list', model },
  data: data.map((one, index) => ({ index, ...one })),
});

/** @throws ApiError for a text without words: there is nothing to say of it */
function textsOf(input: string | readonly string[]): readonly string[] {
  const texts = typeof input === 'string' ? [input] : input;
  if (texts.every((text) => text.trim() !== '')) return texts;
  throw new ApiError(400, 'input holds a text that is empty; leave it out, or give it words.', null, 'input');
}

/** Each text's label with its probability, and those of all others. */
export async function classify(c: Context, models: Models): Promise<Response> {
  const { model: name, input } = await readBody(c, LabelRequest);
  const { classifier, turns, name: model } = models.find(name, 'classify');
  const { classes } = classifier.parts;
  const texts = textsOf(input).map((text) => classifier.encode(text));
  const scores = await turns.take(() => classifier.score(texts), c.req.raw.signal);
  const data = scores.map((row, i) => {
    const best = argmax(row);
    const probabilities = Object.fromEntries(classes.map((label, k) => [label, row[k]]));
    return { label: classes[best], probability: row[best], probabilities, cut: texts[i].cut };
  });
  return c.json(listOf(model, data));
}

/** Each text's names and other spans, with their places in UTF-16 units. */
export async function tag(c: Context, models: Models): Promise<Response> {
  const { model: name, input } = await readBody(c, LabelRequest);
  const { tagger, turns, name: model } = models.find(name, 'tag');
  const texts = textsOf(input).map((text) => ({ text, sentences: splitSentences(text) }));
  const data = await turns.take(async () => {
    const found: object[] = [];
    for (const { text, sentences } of texts) found.push({ entities: await tagger.entities(text, sentences) });
    return found;
  }, c.req.raw.signal);
  return c.json(listOf(model, data));
}
