import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { succeed, trainedRun, workshop } from '../helpers/dawnlm.ts';
import { checkCroissant } from '../trust/data/croissantCheck.ts';
import { HubMetadata } from '../trust/data/hub.ts';
import { cardParts } from '../trust/data/yamlReader.ts';

const cwd = workshop();
beforeAll(() => trainedRun(cwd));

const cardOf = (file: string) => {
  const { yaml, markdown } = cardParts(readFileSync(join(cwd, file), 'utf8'));
  return { ...HubMetadata.parse(yaml), markdown };
};

const croissantOf = (folder: string) =>
  checkCroissant(JSON.parse(readFileSync(join(cwd, folder, 'croissant.json'), 'utf8')));

/** Sizes and hashes are those of the files that are named. */
function expectTrue(folder: string): void {
  for (const { contentUrl, sha256, contentSize } of croissantOf(folder).distribution) {
    const content = readFileSync(join(cwd, folder, contentUrl));
    expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
    expect(contentSize).toBe(`${content.length} B`);
  }
}

it('a training leaves its cards, with what it cost, and what is true of the text', () => {
  const { markdown, ...metadata } = cardOf('run/MODEL_CARD.md');
  const { validationLoss } = JSON.parse(readFileSync(join(cwd, 'run/log.jsonl'), 'utf8').trim().split('\n').at(-1)!);
  expect(metadata['model-index']![0].results[0].metrics[0].value).toBeCloseTo(Math.exp(validationLoss), 10);
  expect(metadata).toMatchObject({ license: 'unknown', co2_eq_emissions: { training_type: 'pre-training' } });
  expect(markdown).toContain('5-grams');
  expect(markdown).toMatch(/### Memory\n\nNot measured/);
  expect(existsSync(join(cwd, 'run/card.html'))).toBe(true);
});

it('an export has the same card as README.md; tunings, merged ones too, have their own', async () => {
  await succeed(['export', '--run', 'run', '--to', 'hf', 'gguf'], { cwd });
  expect(cardOf('run/export/hf/README.md')).toMatchObject({ library_name: 'transformers', license: 'unknown' });
  expect(croissantOf('run/export/gguf').distribution[0].contentUrl).toMatch(/^ni:\/\/\/sha-256;/);
  const lora = ['--method', 'lora', '--steps', '4', '--warmup-steps', '1'];
  await succeed(['finetune', 'text', 'text.txt', '--run', 'run', '--out', 'lora', ...lora], { cwd });
  await succeed(['finetune', 'merge', '--run', 'lora', '--out', 'whole'], { cwd });
  expect(cardOf('lora/MODEL_CARD.md')).toMatchObject({ base_model: 'run', base_model_relation: 'adapter' });
  expect(cardOf('whole/MODEL_CARD.md')).toMatchObject({ base_model: 'lora', base_model_relation: 'finetune' });
  for (const folder of ['lora', 'whole']) expectTrue(folder);
});

it('a classifier has a card with the scores of its test part, and its parts by their hashes', async () => {
  const rows = Array.from({ length: 60 }, (_, i) =>
    i % 2 === 0 ? `the white whale ${i},sea` : `an old man ${i},land`,
  );
  writeFileSync(join(cwd, 'rows.csv'), `text,label\n${rows.join('\n')}\n`);
  await succeed(['finetune', 'classify', 'rows.csv', '--run', 'run', '--out', 'classes', '--steps', '4'], { cwd });
  const { markdown, ...metadata } = cardOf('classes/MODEL_CARD.md');
  expect(metadata['model-index']![0].results[0]).toMatchObject({ task: { type: 'text-classification' } });
  expect(markdown).toContain('the commonest label always: 50.0%');
  expectTrue('classes');
});
