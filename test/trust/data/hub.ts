/**
 * What Hugging Face's hub takes above a card, written from its specification (hub-docs: modelcard.md, docs/hub/model-cards.md,
 * docs/hub/model-cards-co2.md, docs/hub/repositories-licenses.md).
 */
import { z } from 'zod';

/** The table of identifiers in repositories-licenses.md. */
const LICENSES =
  `apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m afl-3.0
artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0
cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0
gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl
openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license
fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown other`.split(
    /\s+/,
  );

/** A name, or an owner and a name, of up to 96 letters, digits and .-_, none of which is doubled or at an end but for _ . */
const hubId = z
  .string()
  .max(96)
  .regex(/^(?:[\w.-]+\/)?(?![-.])(?!.*(?:--|\.\.))[\w.-]+(?<![-.])$/);
const words = z.string().min(1);

const Result = z.strictObject({
  task: z.strictObject({ type: words, name: words.optional() }),
  dataset: z.strictObject({ type: hubId, name: words, split: words.optional() }),
  metrics: z.array(z.strictObject({ type: words, value: z.number(), name: words.optional() })).min(1),
  source: z.strictObject({ name: words.optional(), url: z.url() }).optional(),
});

export const HubMetadata = z
  .strictObject({
    language: z
      .array(z.string().regex(/^[a-z]{2,3}$/))
      .min(1)
      .optional(),
    license: z.enum(LICENSES),
    license_name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]*$/)
      .optional(),
    license_link: z.union([z.url(), z.enum(['LICENSE', 'LICENSE.md'])]).optional(),
    library_name: words,
    pipeline_tag: z.enum(['text-generation', 'text-classification', 'token-classification']),
    tags: z.array(words),
    datasets: z.array(hubId).min(1).optional(),
    metrics: z
      .array(z.enum(['perplexity', 'accuracy', 'f1', 'precision', 'recall']))
      .min(1)
      .optional(),
    base_model: hubId.optional(),
    base_model_relation: z.enum(['finetune', 'adapter', 'merge', 'quantized']).optional(),
    'model-index': z
      .array(z.strictObject({ name: words, results: z.array(Result).min(1) }))
      .length(1)
      .optional(),
    co2_eq_emissions: z
      .strictObject({
        emissions: z.number().min(0),
        source: words.optional(),
        training_type: z.enum(['pre-training', 'fine-tuning']).optional(),
        geographical_location: words.optional(),
        hardware_used: words.optional(),
      })
      .optional(),
  })
  .refine(
    ({ license, license_name: name }) => (license === 'other') === (name !== undefined),
    'other has a name, and nothing else',
  )
  .refine(
    ({ base_model: base, base_model_relation: how }) => (base === undefined) === (how === undefined),
    'a base and how',
  );

/** Headings of the hub's template, in its order (docs/hub/model-card-annotated.md). */
export const HEADINGS = [
  'Model Details',
  'Uses',
  'Bias, Risks, and Limitations',
  'How to Get Started with the Model',
  'Training Details',
  'Evaluation',
  'Environmental Impact',
  'Technical Specifications',
];
