import { existsSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeCards, writeExportCards } from '../../../src/trust/cards/cards.ts';
import { hubLicence, licenceUrls } from '../../../src/trust/cards/licence.ts';
import { hubId } from '../../../src/trust/cards/metadata.ts';
import { toYaml, type Yaml } from '../../../src/trust/cards/yaml.ts';
import { expectWellFormed } from '../../helpers/page.ts';
import { checkCroissant } from './croissantCheck.ts';
import { HEADINGS, HubMetadata } from './hub.ts';
import {
  accounts,
  auditCard,
  classifier,
  dataCard,
  log,
  model,
  place,
  sha256,
  tagger,
  textCard,
  write,
} from './runs.ts';
import { cardParts, readYaml } from './yamlReader.ts';

const folder = place();

/** Writes the cards of a run and reads them as their specifications have them. */
async function cardsOf(run: string) {
  const files = await writeCards(run);
  for (const file of files) expect(existsSync(join(run, file)), file).toBe(true);
  const card = readFileSync(join(run, 'MODEL_CARD.md'), 'utf8');
  const { yaml, markdown } = cardParts(card);
  expect([...markdown.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(HEADINGS);
  expectWellFormed(readFileSync(join(run, 'card.html'), 'utf8'));
  const data = files.includes('croissant.json')
    ? checkCroissant(JSON.parse(readFileSync(join(run, 'croissant.json'), 'utf8')))
    : undefined;
  return { metadata: HubMetadata.parse(yaml), markdown, data, card };
}

/** Bytes and hashes are those of the files, and what is extracted from them is there. */
function expectTrue(run: string, { distribution, recordSet }: ReturnType<typeof checkCroissant>): void {
  const contents = new Map(
    distribution.map(({ '@id': id, contentUrl, sha256: hash, contentSize }) => {
      const content = readFileSync(join(run, decodeURIComponent(contentUrl)));
      expect([sha256(content), contentSize]).toEqual([hash, `${content.length} B`]);
      return [id, content.toString('utf8').split('\n')] as const;
    }),
  );
  for (const { source } of recordSet.flatMap(({ field }) => field)) {
    if (!source) continue;
    const [first] = contents.get(source.fileObject['@id'])!;
    if ('column' in source.extract) expect(first.split(',')).toContain(source.extract.column);
    if (source.transform) expect(first).toMatch(new RegExp(source.transform.regex));
  }
}

it('a run of a known text: its fields on the hub, its scores, and what it cost', async () => {
  const run = write(join(folder, 'whale & co'), {
    'config.json': model,
    'run.json': { ...textCard, ...accounts },
    'log.jsonl': log,
  });
  const { metadata, markdown, data } = await cardsOf(run);
  expect(metadata).toMatchObject({
    ...{
      license: 'other',
      license_name: 'pddl-1.0-and-cc0-1.0',
      library_name: 'dawnlm',
      pipeline_tag: 'text-generation',
    },
    ...{ datasets: ['moby-dick'], metrics: ['perplexity'] },
    co2_eq_emissions: { emissions: 0.5, training_type: 'pre-training', hardware_used: 'an adapter (software)' },
  });
  expect(metadata['model-index']![0].name).toBe('whale-co');
  expect(metadata['model-index']![0].results[0].metrics[0].value).toBeCloseTo(Math.exp(2.6), 12);
  expect(metadata.co2_eq_emissions!.source).toContain('nameplate: 2 to 40 W for 50 s');
  for (const part of [
    '# whale \\& co',
    '2.600 at step 20',
    'bigrams | 2.400 | 3.10',
    'A tenth of it',
    '30 of 200 planned',
  ])
    expect(markdown).toContain(part);
  expect(markdown).toMatch(/### Memory\n\nNot measured\./);
  expect(data).toMatchObject({
    name: 'moby-dick',
    version: '0.2.3',
    'rai:dataLimitations': ['A tenth of it is in both parts.'],
  });
  expect(data!.distribution[0]).toMatchObject({
    sha256: dataCard.sha256,
    contentUrl: 'pkg:npm/%40stdlib/datasets-moby-dick@0.2.3#data/data.txt',
  });
  expect(data!.license).toEqual(['https://spdx.org/licenses/PDDL-1.0.html', 'https://spdx.org/licenses/CC0-1.0.html']);
});

it('a run of before, without accounts, log or scores, has a card too, which says nothing of them', async () => {
  const { config } = textCard;
  const { watch: _w, watchEvery: _e, ...old } = config;
  const run = write(join(folder, 'old'), { 'config.json': model, 'run.json': { ...textCard, config: old } });
  const { metadata, markdown } = await cardsOf(run);
  expect(metadata['model-index']).toBeUndefined();
  expect(metadata.co2_eq_emissions).toBeUndefined();
  expect(markdown).toMatch(/## Environmental Impact\n\n.*\n\nNot measured\./);
  expect(markdown).toMatch(/### Results\n\nNot measured\./);
});

it("a user's own text: hashes and sizes of its files, and no word of where else it lies", async () => {
  const texts = { 'a b.txt': 'the whale\n', 'c.md': 'the sea\n' };
  write(join(folder, 'own'), Object.fromEntries(Object.entries(texts).map(([name, text]) => [`notes/${name}`, text])));
  const card = {
    ...{ ...dataCard, name: 'notes', source: '/home/somebody/secret place/notes', path: '../notes' },
    ...{ licence: "unknown: the user's own text", sha256: sha256(Object.values(texts).join('')) },
  };
  const run = write(join(folder, 'own/run'), {
    'config.json': model,
    'run.json': { ...textCard, dataCard: card },
    'log.jsonl': log,
  });
  const { metadata, card: written, data } = await cardsOf(run);
  expect(metadata).toMatchObject({ license: 'unknown', datasets: ['notes'] });
  expectTrue(run, data!);
  expect(data!.distribution.map(({ contentUrl }) => contentUrl)).toEqual(['../notes/a%20b.txt', '../notes/c.md']);
  for (const text of [written, JSON.stringify(data)]) expect(text).not.toMatch(/somebody|secret/);
  write(join(folder, 'own'), { 'notes/c.md': 'another\n' });
  const later = (await cardsOf(run)).data!;
  expect(later.distribution).toMatchObject([
    { sha256: card.sha256, description: expect.stringContaining('changed or moved') },
  ]);
});

it.each([
  ['classifier', classifier, { accuracy: 0.5, f1: 1 / 3 }],
  ['tagger', tagger, { f1: 0, precision: 0, recall: 0, accuracy: 0.5 }],
])('a %s: scores of the test part, labels, and the hashes of the parts', async (name, make, scores) => {
  const run = make(join(folder, name));
  const { metadata, markdown, data, card } = await cardsOf(run);
  expect(metadata).toMatchObject({
    base_model: 'base',
    base_model_relation: name === 'tagger' ? 'adapter' : 'finetune',
  });
  const { metrics, dataset } = metadata['model-index']![0].results[0];
  expect(Object.fromEntries(metrics.map(({ type, value }) => [type, value]))).toEqual(scores);
  expect(dataset.split).toBe('test');
  expectTrue(run, data!);
  expect(data!.distribution).toHaveLength(3);
  expect(markdown).toContain('1 within parts, 0 across parts, 2 with several labels');
  expect(card + JSON.stringify(data)).not.toMatch(/somebody|secret/);
  if (name === 'classifier') expect(markdown).toContain('the commonest label always: 50.0%');
});

it('an imported model: nothing is said of what is not known, and its data has no description', async () => {
  const none = { bytes: 0, characters: 0, trainTokens: 0, validationTokens: 0 };
  const unknown = {
    ...dataCard,
    ...none,
    name: 'gpt2',
    source: 'unknown: trained elsewhere',
    licence: "unknown: see the model's own card",
  };
  const run = write(join(folder, 'gpt2'), {
    'config.json': model,
    'run.json': { ...textCard, dataCard: unknown, importedFrom: { path: '/home/somebody/gpt2' } },
  });
  const { metadata, markdown, data } = await cardsOf(run);
  expect([data, metadata.datasets, metadata.base_model]).toEqual([undefined, undefined, undefined]);
  expect(markdown).toMatch(/#### Training Hyperparameters\n\nNot measured\./);
  expect(markdown).not.toContain('somebody');
});

it('a tuned run says of which weights; an export has the same card under the name that is looked for there', async () => {
  const tunedFrom = { folder: '../../base run', checkpoint: 'best', sha256: sha256('base'), method: 'lora' };
  const run = write(join(folder, 'tuned'), {
    'config.json': model,
    'run.json': { ...textCard, tunedFrom },
    'log.jsonl': log,
  });
  const { metadata } = await cardsOf(run);
  expect(metadata).toMatchObject({ base_model: 'base-run', base_model_relation: 'adapter' });
  for (const [format, library] of [
    ['hf', 'transformers'],
    ['onnx', 'transformers.js'],
    ['gguf', 'gguf'],
  ] as const) {
    const out = join(folder, 'exports', format);
    expect(await writeExportCards(run, format, out)).toEqual(['README.md', 'croissant.json']);
    const { yaml } = cardParts(readFileSync(join(out, 'README.md'), 'utf8'));
    expect(HubMetadata.parse(yaml)).toEqual({ ...metadata, library_name: library });
    checkCroissant(JSON.parse(readFileSync(join(out, 'croissant.json'), 'utf8')));
  }
  expect(await writeExportCards(run, 'torch', join(folder, 'exports/torch'))).toContain('MODEL_CARD.md');
});

it('says what was found in the text, where it is the one that was learned from', async () => {
  const files = { 'config.json': model, 'run.json': textCard, 'log.jsonl': log };
  const audit = auditCard(dataCard.sha256);
  const run = write(join(folder, 'audited'), { ...files, 'audit.json': audit });
  const { metadata, markdown, data } = await cardsOf(run);
  expect(metadata.language).toEqual(['en']);
  expect(markdown).toContain('- **Private items:** 3');
  expect(data).toMatchObject({
    inLanguage: ['en'],
    'rai:personalSensitiveInformation': ['email: 3 found by pattern and checksum.'],
  });
  write(run, { 'audit.json': auditCard(sha256('another')) });
  expect((await cardsOf(run)).metadata.language).toBeUndefined();
});

it('says what was found when the model was questioned, until it is trained on', async () => {
  const rows = [
    { word: 'alder', times: 0, digits: '123', rank: 490, exposure: 1.03, said: '777' },
    { word: 'hazel', times: 16, digits: '456', rank: 1, exposure: 9.97, said: '456' },
  ];
  const trust = { version: 1, memory: { seed: 1, checkpoint: 'best', canaries: { digits: 3, rows } } };
  const files = { 'config.json': model, 'run.json': textCard, 'log.jsonl': log, 'model.safetensors': 'weights' };
  const run = write(join(folder, 'asked'), { ...files, 'trust.json': trust });
  const { markdown } = await cardsOf(run);
  expect(markdown).toContain('| never (control) | 490 | 1.0 |\n| 16 times | 1 | 10.0 |');
  expect(markdown).toMatch(/### Bias\n\nNot measured\./);
  utimesSync(join(run, 'trust.json'), 1, 1);
  expect((await cardsOf(run)).markdown).toMatch(/### Memory\n\nNot measured\./);
});

it('a text that was changed before it was learned from: the hash is that of the file, and what went is said', async () => {
  const went = { documents: 1, lines: 0, items: 0, characters: 9, kinds: {} };
  const clean = {
    rules: ['duplicates'],
    documents: 2,
    kept: 1,
    characters: 18,
    keptCharacters: 9,
    went: { duplicates: went },
    forgotten: 0,
  };
  write(join(folder, 'changed'), { 'text.txt': 'the whale\nthe whale\n' });
  const own = {
    ...dataCard,
    name: 'text',
    source: 'text.txt',
    path: '../text.txt',
    licence: 'unknown: own',
    sha256: sha256('other'),
    clean,
  };
  const run = write(join(folder, 'changed/run'), { 'config.json': model, 'run.json': { ...textCard, dataCard: own } });
  const { markdown, data } = await cardsOf(run);
  expectTrue(run, data!);
  expect(markdown).toContain('duplicates: 1 document (50.0% of the characters)');
  expect(data!['rai:dataPreprocessingProtocol']).toContain(`SHA-256 of what was learned from: ${sha256('other')}.`);
});

it('names and licences that would break out of YAML, Markdown or HTML do not', async () => {
  const evil = '"]: <script>alert(1)</script> | `x` \u2028 \u0085 --- \n---\n# no: "';
  const card = { ...dataCard, name: evil, source: evil, licence: evil };
  const run = write(join(folder, 'evil'), {
    'config.json': model,
    'run.json': { ...textCard, dataCard: card },
    'log.jsonl': log,
  });
  const { markdown } = await cardsOf(run);
  expect(markdown).not.toContain('<script>');
  expect(readFileSync(join(run, 'card.html'), 'utf8')).not.toContain('<script>');
});

it.each([
  ['MIT', 'mit', undefined],
  ['CC-BY 4.0', 'cc-by-4.0', undefined],
  ['CC0-1.0 (its contents)', 'cc0-1.0', undefined],
  ['odbl', 'odbl', undefined],
  ["unknown: the user's own text", 'unknown', undefined],
  ['MIT, Apache-2.0', 'other', 'mit-and-apache-2.0'],
  ['WordNet licence (use for any purpose)', 'other', 'wordnet-licence'],
  ['(nothing)', 'other', 'unnamed'],
])('%s is %s on the hub', (licence, license, name) => {
  expect(hubLicence(licence)).toEqual(name === undefined ? { license } : { license, license_name: name });
});

it('a licence has an address where all that is named has one', () => {
  expect(licenceUrls('MIT; CC-BY 4.0 (names)')).toEqual([
    'https://spdx.org/licenses/MIT.html',
    'https://spdx.org/licenses/CC-BY-4.0.html',
  ]);
  expect(licenceUrls('MIT, a licence of our own')).toEqual([
    { '@type': 'CreativeWork', name: 'MIT, a licence of our own' },
  ]);
});

it.each(['..a--b..', 'Ünï cödé', '-', 'x'.repeat(200), '日本'])('%s becomes a name that the hub takes', (name) => {
  expect(HubMetadata.shape.base_model.safeParse(hubId(name)).error).toBeUndefined();
});

it('YAML is read as what was written, whatever stands in it', () => {
  const value: Yaml = {
    ...{
      no: 'no',
      date: '2026-11-28',
      empty: '',
      number: '1e3',
      line: 'a\nb\r\t"c" \\ \u0000\u007f\u0085\u2028\ufeff: #',
      pair: '𝄞',
    },
    ...{
      small: 1.5e-7,
      whole: -3,
      large: 1e21,
      list: [1, 'two', [], {}, [['deep']], { a: { b: [] } }],
      'no key:': 'x',
    },
  };
  expect(readYaml(toYaml(value))).toEqual(value);
  expect(readYaml(toYaml({ gone: undefined, stays: 'x' }))).toEqual({ stays: 'x' });
  expect(() => toYaml({ loss: Number.NaN })).toThrow(RangeError);
});
