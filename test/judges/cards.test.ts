import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeCards } from '../../src/trust/cards/cards.ts';
import { toYaml, type Yaml } from '../../src/trust/cards/yaml.ts';
import { accounts, classifier, log, model, place, tagger, textCard, write } from '../trust/data/runs.ts';
import { cardParts } from '../trust/data/yamlReader.ts';
import { judge } from './judges.ts';

const folder = place();
const { parse } = await judge('yaml', 'dist/index.js');

/** What readers of both YAMLs make of a text: PyYAML and many others read 1.1. */
const readings = (text: string): unknown[] => ['1.1', '1.2'].map((version) => parse(text, { version, strict: true }));

it.each([
  [
    'text',
    (at: string) => write(at, { 'config.json': model, 'run.json': { ...textCard, ...accounts }, 'log.jsonl': log }),
  ],
  ['classifier', classifier],
  ['tagger', tagger],
])('the YAML of a card of a %s is read as it is here', async (name, make) => {
  const run = make(join(folder, name));
  await writeCards(run);
  const card = readFileSync(join(run, 'MODEL_CARD.md'), 'utf8');
  const [, yaml] = card.split(/^---$/m);
  for (const read of readings(yaml)) expect(read).toEqual(cardParts(card).yaml);
});

it('whatever stands in it', () => {
  const value: Yaml = {
    ...{ no: 'no', date: '2026-11-28', empty: '', number: '1e3', sexagesimal: '1:20', null: '~', tag: '!!int 3' },
    ...{ line: 'a\nb\r\t"c" \\ \u0000\u007f\u0085\u2028\ufeff: #', pair: '𝄞', small: 1.5e-7, whole: -3, large: 1e21 },
    ...{ list: [1, 'two', [], {}, [['deep']], { a: { b: [] } }], 'no key:': 'x' },
  };
  for (const read of readings(toYaml(value))) expect(read).toEqual(value);
});
