import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AskedModel, DomainParts } from '../../data/domain.ts';
import { openPackages, type PackageFiles } from '../../data/files.ts';
import { LineNgrams } from '../../data/lineNgrams.ts';
import { canonicalMolecules, molecules } from '../../data/molecules/domain.ts';
import { mutagens } from '../../data/molecules/mutagens.ts';
import { Rdkit } from '../../data/molecules/rdkit.ts';
import { outside } from '../../data/molecules/source.ts';
import { promptFor, readLine, readWords, TOKENS, wordsOf } from '../../data/molecules/words.ts';
import { OPENCHEMLIB } from '../../data/packages.ts';
import { trainPieces } from '../../src/text/tokenizers/pieceTokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-molecules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const quiet = (): void => {};
let rdkit: Rdkit;
/** The packages, of whose lists every 50th line is left. */
let few: PackageFiles;
beforeAll(async () => {
  rdkit = await Rdkit.open(quiet);
  const files = await openPackages([OPENCHEMLIB], quiet);
  const thinned = (text: string): string =>
    text
      .split('\n')
      .filter((_, i) => i % 50 === 0)
      .join('\n');
  const read = async (): Promise<string> => {
    const lists = JSON.parse(await files.read(OPENCHEMLIB, 'dist/resources.json')) as Record<string, string>;
    return JSON.stringify(Object.fromEntries(Object.entries(lists).map(([name, text]) => [name, thinned(text)])));
  };
  few = { ...files, read };
});

const linesOf = (text: string) => text.split('\n').slice(0, -1).map(readLine);

describe('what is asked for', () => {
  it.each([
    ['', 'canonical'],
    ['weight 300, rings 2', 'canonical, weight 300, rings 2'],
    ['2 rings and logP 1.7', 'canonical, logP 1.75, rings 2'],
    ['Weight: 296; LogP = -0.1', 'canonical, weight 300, logP 0'],
    ['logp −1', 'canonical, logP -1'],
  ])('"%s" is "%s"', (words, prompt) => expect(promptFor(words)).toBe(prompt));

  it.each([
    ['colour red', /"colour red" is nothing that molecules can be asked for: ask for weight \(80 to 360\), logP/],
    ['weight 9000', /No molecule can be asked for with "weight 9000"/],
    ['rings 1, 2 rings', /names rings twice/],
  ])('"%s" gets a sentence', (words, sentence) => expect(() => promptFor(words)).toThrow(sentence));

  it('is rounded, and what is beyond the ends is as they are', () => {
    const words = wordsOf({ weight: 1234.5, logP: -0.1, rings: 9 });
    expect(words).toBe('canonical, weight 360, logP 0, rings 5: ');
    expect(readWords(words)).toEqual({ weight: 360, logP: 0, rings: 5 });
    expect(readLine(`${words}CCO`)).toEqual({ words, smiles: 'CCO', isCanonical: true });
    expect(readLine('random, rings 0: OCC')).toEqual({ words: 'random, rings 0: ', smiles: 'OCC', isCanonical: false });
    expect(readLine('C:C')).toEqual({ words: '', smiles: 'C:C', isCanonical: true });
  });
});

describe('RDKit', () => {
  it('knows one molecule by many SMILES', () => {
    const { canonical, kekule, atoms, properties } = rdkit.molecule('OC(=O)c1ccccc1OC(C)=O')!; // aspirin
    expect({ canonical, kekule, atoms, rings: properties.rings }).toEqual({
      ...{ canonical: 'CC(=O)Oc1ccccc1C(=O)O', kekule: 'CC(=O)OC1=CC=CC=C1C(=O)O', atoms: 13, rings: 1 },
    });
    expect(properties.weight).toBeCloseTo(180.16, 2);
    const random = rdkit.randomised(canonical, 20);
    expect(random.length).toBeGreaterThan(10);
    expect(new Set([kekule, ...random].map((smiles) => rdkit.canonical(smiles)))).toEqual(new Set([canonical]));
    expect(random.filter((smiles) => /[a-z]/.test(smiles))).toEqual([]); // no atom is written as aromatic
    expect(rdkit.canonical('C/C=C\\C')).toBe(rdkit.canonical('CC=CC'));
  });

  it('gives each ring a number of its own', () => {
    const written = (smiles: string) => rdkit.molecule(smiles)!.kekule;
    expect(written('C1CC1[NH+]1CC1')).toBe('C1CC1[NH+]2CC2');
    expect(written('C1CC2CC12')).toBe('C1CC2CC12');
    const eleven = 'C1CC1'.repeat(11);
    expect(written(eleven)).toMatch(/C%11CC%11$/);
    expect(rdkit.canonical(written(eleven))).toBe(rdkit.canonical(eleven));
  });

  it('draws the same random SMILES in every instance', async () => {
    const [one, two] = [await Rdkit.open(quiet), await Rdkit.open(quiet)];
    expect(one.randomised('CC(=O)Oc1ccccc1C(=O)O', 9)).toEqual(two.randomised('CC(=O)Oc1ccccc1C(=O)O', 9));
  });

  it.each([
    ['C1CC(', /syntax error/],
    ['C(C)(C)(C)(C)C', /Explicit valence for atom # 0 C, 5, is greater than permitted/],
    ['c1cccc1', /Can't kekulize mol/],
    ['', /no atoms/],
  ])('says what is wrong with "%s"', (smiles, why) => {
    expect([rdkit.canonical(smiles), rdkit.molecule(smiles), rdkit.draw(smiles, 9, 9)]).toEqual(
      Array(3).fill(undefined),
    );
    expect(rdkit.problem(smiles)).toMatch(why);
  });
});

describe('the parts', () => {
  let parts: DomainParts;
  beforeAll(async () => {
    parts = await molecules.build(few);
  });

  it('hold no molecule twice in what is held out, and none in two of them', () => {
    const sets = [parts.train, parts.validation, parts.test].map((text) => {
      const canonical = linesOf(text).map(({ smiles }) => rdkit.canonical(smiles)!);
      return { lines: canonical.length, set: new Set(canonical) };
    });
    for (const { lines, set } of sets.slice(1)) expect([lines, lines > 10]).toEqual([set.size, true]);
    const [train, validation, test] = sets.map(({ set }) => set);
    const shared = [...validation].filter((one) => train.has(one) || test.has(one));
    expect([...shared, ...[...test].filter((one) => train.has(one))]).toEqual([]);
  });

  it('hold random SMILES in training, canonical ones in all parts, with words that are true in any order', () => {
    const train = linesOf(parts.train);
    const canonical = train.filter(({ isCanonical }) => isCanonical);
    const random = new Map<string, number>();
    for (const { smiles, isCanonical } of train) {
      const molecule = rdkit.canonical(smiles)!;
      if (!isCanonical) random.set(molecule, (random.get(molecule) ?? 0) + 1);
    }
    expect(canonical).toHaveLength([...random.values()].reduce((sum, lines) => sum + Math.ceil(lines / 4), 0));
    const inOrder = (words: string) => words.slice(0, -2).split(', ').toSorted();
    for (const { words, smiles } of [...linesOf(parts.validation + parts.test), ...canonical.slice(0, 100)]) {
      const { kekule, properties } = rdkit.molecule(smiles)!;
      expect(kekule).toBe(smiles);
      expect(inOrder(words)).toEqual(inOrder(wordsOf(properties)));
      expect(outside(rdkit.molecule(smiles)!)).toBeUndefined();
    }
    expect(new Set(canonical.map(({ words }) => words.replace(/[^a-zP,]/g, ''))).size).toBe(6);
    const molecules = new Set(train.map(({ smiles }) => rdkit.molecule(rdkit.canonical(smiles)!)!.kekule));
    expect(train.length).toBeGreaterThan(5 * molecules.size);
    for (const smiles of molecules) expect(parts.train).toContain(`: ${smiles}\n`);
  });

  it('are the same with canonical SMILES alone, but for the SMILES', async () => {
    const plain = await canonicalMolecules.build(few);
    expect([plain.validation, plain.test]).toEqual([parts.validation, parts.test]);
    const words = ({ train }: DomainParts) => linesOf(train).map((line) => line.words.replace('random', 'canonical'));
    expect(words(plain)).toEqual(words(parts));
    expect(new Set(linesOf(plain.train).map(({ smiles }) => smiles)).size).toBeLessThan(
      linesOf(parts.train).length / 5,
    );
  });

  it('hold out of the corpus what the labelled set is tested on', async () => {
    const built = await mutagens.build(few);
    const read = new Set(linesOf(parts.train + parts.validation).map(({ smiles }) => rdkit.canonical(smiles)));
    const { train, validation, test } = built.parts;
    expect(test.filter(({ text }) => read.has(rdkit.canonical(readLine(text).smiles)))).toEqual([]);
    expect(validation.every(({ text }) => parts.validation.includes(`: ${readLine(text).smiles}\n`))).toBe(true);
    expect(new Set(train.map(({ label }) => label))).toEqual(new Set(['mutagenic', 'other']));
  });

  it('are judged: who copies is found out, and who gives what was asked for', async () => {
    const train = linesOf(parts.train);
    const tokenizer = await trainPieces(TOKENS, inOne(`${parts.train}${parts.validation}${parts.test}`));
    const asked = {
      ...{ parts, tokenizer, seed: 1, quick: true, say: quiet },
      write: async (prompts: readonly string[]) =>
        prompts.map((prompt, i) => {
          const wanted = linesOf(parts.test).find((line) => line.words === prompt);
          return i % 10 === 9 ? 'C1CC(' : (wanted?.smiles ?? `, rings 1: ${train[i].smiles}`);
        }),
      nats: async (texts: readonly unknown[]) => texts.map(() => 7),
    } as unknown as AskedModel;
    const { scores, pictures } = await molecules.judge(asked);
    const of = (name: RegExp) => scores.find((score) => name.test(score.name))!;
    expect(of(/^valid at temperature 1/).value).toBe(0.9);
    expect(of(/^new at temperature 1/).value).toBe(0);
    expect(of(/nats a molecule/).value).toBeCloseTo(7 - Math.log(6), 10);
    for (const name of ['weight', 'logP', 'rings']) expect(of(RegExp(`^${name},`)).value).toBeGreaterThan(0.95);
    for (const { name, baselines } of scores) for (const { value } of baselines) expect(value, name).not.toBeNaN();
    expect(of(/^weight/).baselines[0].value).toBeLessThan(0.95);
    expect(pictures.map(({ svg }) => svg!.match(/<svg /g)!.length)).toEqual([12, 12, 4]);
  });
});

async function* inOne(text: string): AsyncGenerator<string> {
  yield text;
}

describe('files', () => {
  it('of SMILES become lines with all of their properties', async () => {
    const text = await molecules.read!(inFolder('some.smi', 'OC(=O)c1ccccc1OC(C)=O aspirin\r\n\r\nlogP 1: CCCCCC\n'));
    expect(text).toBe(
      'canonical, weight 180, logP 1.25, rings 1: CC(=O)OC1=CC=CC=C1C(=O)O\ncanonical, weight 90, logP 2.5, rings 0: CCCCCC\n',
    );
  });

  it.each([
    ['CCCCCC\nC1CC(\n', /line 2: "C1CC\(" is no molecule, as RDKit says: SMILES Parse Error.*Mend it/],
    ['CCO\n', /line 1: "CCO" is no molecule of the kind that is learned: it has 3 atoms beside hydrogen/],
    ['CCCCC[Au]\n', /it holds \[Au\], and only B, C/],
    ['CCCCCC.O\n', /it is of several parts/],
    ['\n', /holds no molecules/],
  ])('%j gets a sentence', async (content, sentence) =>
    expect(molecules.read!(inFolder('bad.smi', content))).rejects.toThrow(sentence),
  );

  it('that are not there get one too', () =>
    expect(molecules.read!(join(folder, 'none.smi'))).rejects.toThrow(/none.smi cannot be read \(ENOENT\)/));

  it('are drawn as a sheet, what is broken with the reason', async () => {
    const file = join(folder, 'sheet.svg');
    await molecules.drawing!.draw(['canonical, rings 1: c1ccccc1C\nCCCCCC\n', 'canonical: C<C'], file);
    const svg = readFileSync(file, 'utf8');
    expect(svg).toContain('said: rings 1<');
    expect(svg.match(/<svg/g)).toHaveLength(3);
    expect(svg).toContain('C&lt;C: SMILES Parse Error');
  });
});

describe('n-grams of lines', () => {
  const ids = (text: string) => Uint16Array.from(text, (letter) => '\nabc'.indexOf(letter));
  const ngrams = LineNgrams.fit(ids(`\n${'abc\nacb\n'.repeat(40)}`), ids('\nabc\nacb\n'), 4, 0);

  it('write such lines, and give a line its probability', () => {
    const lines = Array.from({ length: 40 }, (_, i) => ngrams.write([1], i).join(''));
    expect(lines.filter((line) => line === '23' || line === '32').length).toBeGreaterThan(35);
    expect(ngrams.write([1], 3)).toEqual(ngrams.write([1], 3));
    expect(Math.exp(-ngrams.nats([1, 2, 3]))).toBeGreaterThan(0.4);
    expect(ngrams.nats([3, 3, 3])).toBeGreaterThan(5);
  });
});
