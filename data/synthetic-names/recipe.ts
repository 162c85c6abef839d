import type { TaggedSentence } from '../../src/text/labels/conll.ts';
import { shuffled } from '../../src/text/labels/labelled.ts';
import { normalizeText, removeRepeated } from '../../src/text/labels/splits.ts';
import type { PackageFiles } from '../files.ts';
import { CITIES, FEMALE_NAMES, MALE_NAMES, WORDNET } from '../packages.ts';
import type { Built, TagSet } from '../recipe.ts';
import { readGazetteers } from './gazetteer.ts';
import { makeSentences } from './sentences.ts';
import { TEMPLATES } from './templates.ts';

const SEED = 7;
const COUNTS = { train: 5000, validation: 500, test: 1500 };
/** Templates that only one test part uses. */
const NEW_TEMPLATES = 20;

/** Made sentences with persons, places and organisations, whose test names never occur in training. See card.md. */
export const syntheticNames: TagSet = {
  name: 'synthetic-names',
  folder: 'synthetic-names',
  title: 'Named entities in made sentences: persons, places, organisations',
  licence: 'names: CC0-1.0 (first names), WordNet licence (surnames), CC-BY 4.0 GeoNames (cities); sentences: MIT',
  source: `npm ${[MALE_NAMES, FEMALE_NAMES, CITIES, WORDNET].map(({ name, version }) => `${name} ${version}`).join(', ')}; templates of this project`,
  note: 'Synthetic: sentences from 100 templates, far easier than real text. But for common ones (New, Bank), no word of a test name occurs in training; newTemplates has new sentences too.',
  sha256: 'e1feff5b736b86487a9639b02eaa087d89450257554e18178bbe0257fd849cab',
  task: 'tag',
  packages: [MALE_NAMES, FEMALE_NAMES, CITIES, WORDNET],
  build,
};

async function build(files: PackageFiles): Promise<Built<TaggedSentence>> {
  const { known, fresh } = await readGazetteers(files);
  const templates = shuffled(TEMPLATES, SEED);
  const seen = templates.slice(NEW_TEMPLATES);
  const parts = {
    train: makeSentences(seen, known, COUNTS.train, SEED + 1),
    validation: makeSentences(seen, known, COUNTS.validation, SEED + 2),
    test: makeSentences(seen, fresh, COUNTS.test, SEED + 3),
  };
  const keyOf = ({ words }: TaggedSentence): string => normalizeText(words.join(' '));
  const { splits, removed } = removeRepeated(parts, keyOf, () => '');
  const newTemplates = makeSentences(templates.slice(0, NEW_TEMPLATES), fresh, COUNTS.test, SEED + 4);
  const rest = removeRepeated({ train: [], validation: [], test: newTemplates }, keyOf, () => '');
  const within = removed.within + rest.removed.within;
  return { parts: { ...splits, newTemplates: rest.splits.test }, duplicates: { ...removed, within } };
}
