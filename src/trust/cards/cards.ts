/** The cards of a run: MODEL_CARD.md and card.html of the model, croissant.json of its data. */
import { join } from 'node:path';
import { writeAtomic } from '../../node/files.ts';
import type { ExportFormat } from '../../tasks/text/export.ts';
import { writeJson } from '../../train/runFolder.ts';
import { languageCodes, personalInWords } from './audited.ts';
import { croissantOf, type DataMeasured } from './croissant.ts';
import { documentOf, type Snippet } from './document.ts';
import { type CardFacts, factsOf } from './facts.ts';
import { dataFiles, withoutPlaces } from './files.ts';
import { toMarkdown } from './markdown.ts';
import { isImported, metadataOf } from './metadata.ts';
import { countsInWords } from './questioned.ts';

export const CARD_FILES = { model: 'MODEL_CARD.md', page: 'card.html', data: 'croissant.json' } as const;

/** How a run is used from its own folder. */
const HERE: Readonly<Record<CardFacts['task'], Snippet>> = {
  text: { language: 'sh', lines: 'npx dawnlm sample --run . --prompt "The"' },
  classify: { language: 'sh', lines: 'npx dawnlm classify --run . "a text"' },
  tag: { language: 'sh', lines: 'npx dawnlm tag --run . "a sentence"' },
};

/**
 * Writes the cards of the run in a folder, from what lies there: run.json, the log, and what the model was asked since. An imported model,
 * of whose data nothing is known, has no croissant.json. Returns the names of the files.
 * @throws UserError when the folder holds no run, or cannot be written
 */
export async function writeCards(folder: string): Promise<string[]> {
  const facts = await factsOf(folder);
  const document = documentOf(facts, HERE[facts.task]);
  await writeAtomic(join(folder, CARD_FILES.model), toMarkdown(document, metadataOf(facts, 'dawnlm')));
  const { renderCard } = await import('../../report/trust/cardPage.ts'); // takes a second, for the charts of other pages
  await writeAtomic(join(folder, CARD_FILES.page), renderCard(document));
  return [CARD_FILES.model, CARD_FILES.page, ...(await writeData(facts, folder))];
}

async function writeData(facts: CardFacts, folder: string, moved = false): Promise<string[]> {
  if (isImported(facts)) return [];
  const files = await dataFiles(facts);
  const described = moved ? files.map(withoutPlaces) : files;
  await writeJson(folder, CARD_FILES.data, croissantOf(facts, described, measuredOf(facts)));
  return [CARD_FILES.data];
}

/** Findings of the check-up that are about the text and not the model. */
const OF_DATA = ['validation-overlap', 'repeated-text', 'validation-small', 'vocabulary-unseen'];

function measuredOf(facts: CardFacts): DataMeasured {
  const found = facts.task === 'text' ? (facts.card.health?.findings ?? []) : [];
  const limitations = found.filter(({ name }) => OF_DATA.includes(name)).map(({ sentence }) => sentence);
  const biases = countsInWords(facts.trust?.bias);
  const { audit } = facts;
  const personal = audit ? personalInWords(audit) : [];
  const languages = languageCodes(audit);
  return {
    ...(limitations.length > 0 && { limitations }),
    ...(biases.length > 0 && { biases }),
    ...(personal.length > 0 && { personal }),
    ...(languages.length > 0 && { languages }),
  };
}

/** What loads an export, the card's name there, and how it is used from that folder. */
const EXPORTS: Readonly<Record<ExportFormat, { library: string; file: string; use: Snippet }>> = {
  hf: {
    ...{ library: 'transformers', file: 'README.md' },
    use: {
      language: 'python',
      lines: 'from transformers import pipeline\n\nprint(pipeline("text-generation", ".")("The"))',
    },
  },
  onnx: {
    ...{ library: 'transformers.js', file: 'README.md' },
    use: {
      language: 'js',
      lines: `import { env, pipeline } from '@huggingface/transformers';

env.allowRemoteModels = false;
const write = await pipeline('text-generation', '.');
console.log(await write('The'));`,
    },
  },
  gguf: {
    ...{ library: 'gguf', file: 'README.md' },
    use: { language: 'sh', lines: 'llama-cli -m model.gguf -no-cnv --ignore-eos -p "The"' },
  },
  ollama: {
    ...{ library: 'gguf', file: 'README.md' },
    use: { language: 'sh', lines: 'ollama create dawnlm -f Modelfile && ollama run dawnlm "The"' },
  },
  // its README.md says how training goes on there
  torch: { library: 'pytorch', file: CARD_FILES.model, use: { language: 'sh', lines: 'torchrun train.py' } },
};

/**
 * Writes the cards of a run beside what was exported of it, the model's under the name that is looked for there, without the places in which
 * the data lies. Returns the names of the files.
 * @throws UserError when the run cannot be read, or the folder not be written
 */
export async function writeExportCards(run: string, format: ExportFormat, folder: string): Promise<string[]> {
  const facts = await factsOf(run);
  const { library, file, use } = EXPORTS[format];
  await writeAtomic(join(folder, file), toMarkdown(documentOf(facts, use), metadataOf(facts, library)));
  return [file, ...(await writeData(facts, folder, true))];
}
