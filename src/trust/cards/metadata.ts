/** The YAML that stands above a card: https://github.com/huggingface/hub-docs/blob/main/modelcard.md. */
import { carbonInWords, gramsOfCarbon } from '../../report/costWords.ts';
import { adapterInWords } from '../../report/format.ts';
import { languageCodes } from './audited.ts';
import { type CardFacts, packagePage, packagesOf } from './facts.ts';
import { hubLicence } from './licence.ts';
import { type Measured, scoresOf } from './scores.ts';
import type { Yaml } from './yaml.ts';

/** What each task is called on the hub, and the metrics that are measured of it (https://huggingface.co/metrics). */
const TASKS = {
  text: { type: 'text-generation', name: 'Text generation', metrics: ['perplexity'] },
  classify: { type: 'text-classification', name: 'Text classification', metrics: ['accuracy', 'f1'] },
  tag: {
    type: 'token-classification',
    name: 'Token classification',
    metrics: ['f1', 'precision', 'recall', 'accuracy'],
  },
} as const;

/** An identifier as the hub has them, of up to 96 letters, digits and .-_ . */
export const hubId = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/[^\w.-]+/g, '-')
    .replace(/--+/g, '-')
    .replace(/\.\.+/g, '.')
    .slice(0, 96)
    .replace(/^[-.]+|[-.]+$/g, '') || 'unnamed';

/** @param library the one that loads what lies beside the card: 'dawnlm' in a run's folder, 'transformers' in an export of that kind */
export function metadataOf(facts: CardFacts, library: string): Yaml {
  const { task, base, data, card } = facts;
  const { type, metrics } = TASKS[task];
  const licence = hubLicence(data.licence);
  const [source] = packagesOf(facts);
  const results = resultsOf(facts);
  const languages = languageCodes(facts.audit);
  return {
    language: languages.length > 0 ? languages : undefined,
    ...licence,
    license_link: licence.license === 'other' && source ? packagePage(source) : undefined,
    library_name: library,
    pipeline_tag: type,
    tags: ['dawnlm', ...('tunedFrom' in card && card.tunedFrom?.chat ? ['conversational'] : [])],
    datasets: isImported(facts) ? undefined : [hubId(data.name)],
    metrics: results ? metrics : undefined,
    base_model: base && hubId(base.name),
    base_model_relation: base && (base.method === 'lora' ? 'adapter' : 'finetune'),
    'model-index': results && [{ name: hubId(facts.name), results }],
    co2_eq_emissions: emissionsOf(facts),
  };
}

export const isImported = ({ card }: CardFacts): boolean => 'importedFrom' in card && card.importedFrom !== undefined;

/** A result for each part of the data that was held out; undefined where nothing was measured. */
function resultsOf(facts: CardFacts): Yaml[] | undefined {
  const parts = scoresOf(facts).filter(({ measured }) => measured.some(({ metric }) => metric));
  if (parts.length === 0) return undefined;
  const { type, name } = TASKS[facts.task];
  return parts.map(({ split, measured }) => ({
    task: { type, name },
    dataset: { type: hubId(facts.data.name), name: facts.data.name, split },
    metrics: measured.flatMap(asMetric),
  }));
}

const asMetric = ({ metric, name, value }: Measured): Yaml[] =>
  metric && Number.isFinite(value) ? [{ type: metric, value, name }] : [];

/** The hub has one number: the upper end of the band, which is stated as well. */
function emissionsOf(facts: CardFacts): Yaml | undefined {
  const energy = facts.task === 'text' ? facts.card.cost?.energy : undefined;
  if (!energy) return undefined;
  return {
    emissions: Number(gramsOfCarbon(energy)[1].toPrecision(2)),
    source: `the upper end of ${carbonInWords(energy)}; energy by ${energy.source}: ${energy.basis}`,
    training_type: facts.base ? 'fine-tuning' : 'pre-training',
    hardware_used: adapterInWords(facts.card.adapter),
  };
}
