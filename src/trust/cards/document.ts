/** A card's sections, in the order and under the headings of Hugging Face's template. Nothing stands here that was not measured. */
import { carbonInWords, energyInWords } from '../../report/costWords.ts';
import {
  adapterInWords,
  count,
  dateInWords,
  durationInWords,
  exact,
  figure,
  list,
  loss,
  percent,
  plural,
} from '../../report/format.ts';
import {
  type CardBlock,
  type CardDocument,
  type CardSection,
  code,
  facts,
  notMeasured,
  table,
  text,
} from '../../report/trust/cardDocument.ts';
import { dataSection } from './dataSection.ts';
import { type CardFacts, progressOf } from './facts.ts';
import { isImported } from './metadata.ts';
import { biasBlocks, memoryBlocks, saidBlocks } from './questioned.ts';
import { scoresOf } from './scores.ts';

/** Lines with which a model is used from where its card lies. */
export interface Snippet {
  readonly language: string;
  readonly lines: string;
}

export const documentOf = (run: CardFacts, use: Snippet): CardDocument => ({
  name: run.name,
  summary: summaryOf(run),
  sections: [
    { heading: 'Model Details', sections: [{ heading: 'Model Description', blocks: [description(run)] }] },
    uses(run),
    risks(run),
    { heading: 'How to Get Started with the Model', blocks: [code(use.language, use.lines)] },
    { heading: 'Training Details', sections: [dataSection(run), procedure(run)] },
    evaluation(run),
    { heading: 'Environmental Impact', blocks: impact(run) },
    { heading: 'Technical Specifications', sections: specifications(run) },
  ],
});

const WORK = { text: 'writes text', classify: 'says the label of a text', tag: 'marks spans in sentences' } as const;

function summaryOf(run: CardFacts): string {
  const { task, model, parameters, data } = run;
  const steps = progressOf(run)?.steps;
  const what = `A ${model.style} model of ${count(parameters)} parameters that ${WORK[task]}`;
  if (isImported(run)) return `${what}, imported into dawnlm: how it was trained is not known here.`;
  const how = run.base ? `tuned with dawnlm from ${run.base.name}` : 'trained from scratch with dawnlm';
  return `${what}, ${how} on ${data.name}${steps === undefined ? '' : ` for ${plural(steps, 'step')}`}.`;
}

function description(run: CardFacts): CardBlock {
  const { model, parameters, base, data, card } = run;
  const tuned =
    base && `${base.name}, its ${base.checkpoint} weights (SHA-256 ${base.sha256}), by ${METHODS[base.method]}`;
  return facts([
    ['Model type', `decoder of transformer blocks, ${model.style} style`],
    ['Task', TASKS[run.task](run)],
    ['Parameters', exact(parameters)],
    ['Begun', dateInWords(card.startedAt)],
    ['Tuned from', tuned],
    ['Licence of the data', isImported(run) ? undefined : data.licence],
    ['Licence of the weights', 'none was chosen; the card names that of the data'],
  ]);
}

const METHODS: Readonly<Record<string, string>> = {
  full: 'training all of its weights',
  lora: 'low-rank adapters',
  last: 'training its last block',
  head: 'training a new head alone',
};

const TASKS: { readonly [task in CardFacts['task']]: (run: CardFacts) => string } = {
  text: ({ card }) =>
    'tunedFrom' in card && card.tunedFrom?.chat ? 'answers to prompts' : 'the next token, given those before it',
  classify: ({ card }) => `labels of texts: ${labelsIn(card)}`,
  tag: ({ card }) => `tags of words: ${labelsIn(card)}`,
};

const labelsIn = (card: CardFacts['card']): string => ('labels' in card ? list(card.labels.map(String)) : '');

function uses(run: CardFacts): CardSection {
  const { data, model } = run;
  const held = isImported(run)
    ? []
    : [`It was trained on ${data.name}, and is scored below on held-out parts of the same.`];
  return {
    heading: 'Uses',
    sections: [
      { heading: 'Direct Use', blocks: [text([`The model ${WORK[run.task]}.`, ...held].join(' '))] },
      {
        heading: 'Out-of-Scope Use',
        blocks: [
          text(
            `What it does on texts of other kinds or languages was not measured, nor whether anything that it says is true. It sees ${exact(model.blockSize)} tokens at a time.`,
          ),
        ],
      },
    ],
  };
}

/** What was found when the model was questioned, and by the check-up. */
function risks(run: CardFacts): CardSection {
  const health = run.task === 'text' ? run.card.health : undefined;
  const found = health?.findings.map(({ sentence }) => text(sentence)) ?? [];
  return {
    heading: 'Bias, Risks, and Limitations',
    sections: [
      { heading: 'Memory', blocks: memoryBlocks(run.trust?.memory) },
      { heading: 'Bias', blocks: biasBlocks(run.trust?.bias) },
      { heading: 'What It Says', blocks: saidBlocks(run.trust?.said) },
      {
        heading: 'Check-up',
        blocks: health ? [text(`In short: ${health.line}.`), ...found] : [notMeasured('dawnlm checkup')],
      },
    ],
  };
}

function procedure(run: CardFacts): CardSection {
  const { card } = run;
  const settings: Readonly<Record<string, unknown>> = isImported(run)
    ? {}
    : 'config' in card
      ? card.config
      : card.settings;
  const rows = Object.entries(settings).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return {
    heading: 'Training Procedure',
    sections: [
      {
        heading: 'Training Hyperparameters',
        blocks:
          rows.length > 0
            ? [
                table(
                  ['Setting', 'Value'],
                  rows.map(([name, value]) => [name, String(value)]),
                ),
              ]
            : [notMeasured()],
      },
      { heading: 'Speeds, Sizes, Times', blocks: [speeds(run)] },
    ],
  };
}

function speeds(run: CardFacts): CardBlock {
  const { steps, tokens, timeMs } = progressOf(run) ?? {};
  const planned = run.task === 'text' ? run.card.config.steps : run.card.settings.steps;
  const perSecond = tokens !== undefined && timeMs ? (1000 * tokens) / timeMs : undefined;
  if (steps === undefined) return notMeasured();
  return facts([
    ['Steps', `${exact(steps)}${typeof planned === 'number' ? ` of ${exact(planned)} planned` : ''}`],
    ['Tokens seen', tokens === undefined ? undefined : exact(tokens)],
    ['Time', timeMs === undefined ? 'not measured' : durationInWords(timeMs)],
    ['Tokens a second', perSecond === undefined ? undefined : count(perSecond)],
    ['Weights', `${exact(4 * run.parameters)} bytes as float32`],
  ]);
}

function evaluation(run: CardFacts): CardSection {
  const parts = scoresOf(run);
  const rungs = run.task === 'text' ? (run.card.health?.rungs ?? []) : [];
  const rows = parts.flatMap(({ split, measured }) =>
    measured.map(({ name, inWords, against = '' }) => [name, split, inWords, against]),
  );
  const ladder = rungs.map((rung) => [rung.name, loss(rung.loss), rung.bitsPerByte.toFixed(2)]);
  return {
    heading: 'Evaluation',
    sections: [
      { heading: 'Testing Data', blocks: [text(held(run))] },
      {
        heading: 'Results',
        blocks: [
          rows.length > 0 ? table(['Metric', 'Part', 'Value', 'Against'], rows) : notMeasured(),
          ...(ladder.length > 0
            ? [
                text('Predictions without a model, on the same held-out text:'),
                table(['By', 'Nats a token', 'Bits a byte'], ladder),
              ]
            : []),
        ],
      },
    ],
  };
}

function held(run: CardFacts): string {
  if (isImported(run)) return 'None was held out here.';
  if (run.task !== 'text') {
    const { splits } = run.card;
    return `Held out: ${list(
      Object.entries(splits)
        .filter(([part]) => part !== 'train')
        .map(
          ([part, { examples }]) =>
            `${exact(examples)} examples to ${part === 'validation' ? 'validate' : `test${part === 'test' ? '' : ` (${part})`}`}`,
        ),
    )}.`;
  }
  const { dataCard, config, tunedFrom } = run.card;
  const part = tunedFrom?.chat
    ? 'some of the prompts with their answers'
    : `the last ${percent(config.validationFraction)} of the text's characters`;
  return `Held out: ${part}, ${exact(dataCard.validationTokens)} tokens.`;
}

function impact(run: CardFacts): CardBlock[] {
  const cost = run.task === 'text' ? run.card.cost : undefined;
  const hardware = adapterInWords(run.card.adapter);
  if (!cost) return [facts([['Hardware', isImported(run) ? undefined : hardware]]), notMeasured()];
  const { energy, timeMs, parts, utilization } = cost;
  const operations = parts.reduce((sum, part) => sum + part.operations, 0);
  return [
    facts([
      ['Hardware', hardware],
      ['Time', durationInWords(timeMs)],
      ['Operations', `${operations.toExponential(2)}, by formula`],
      ['Share of the measured peak', utilization === undefined ? undefined : percent(utilization)],
      ['Energy', energy ? `${energyInWords(energy)} (${energy.source}: ${energy.basis})` : 'not measured'],
      ['CO2', energy ? carbonInWords(energy) : 'not measured'],
      ['Place', 'not known'],
    ]),
  ];
}

function specifications({ model, card }: CardFacts): CardSection[] {
  const { nLayer, nHead, nKvHead, nEmbd, nHidden, blockSize, vocabSize, tieEmbeddings, dropout } = model;
  return [
    {
      heading: 'Model Architecture and Objective',
      blocks: [
        facts([
          ['Layers', exact(nLayer)],
          ['Width', exact(nEmbd)],
          ['Heads', nKvHead === nHead ? exact(nHead) : `${exact(nHead)}, on ${exact(nKvHead)} of keys and values`],
          ['Width of the MLP', exact(nHidden)],
          ['Context', plural(blockSize, 'token')],
          ['Vocabulary', exact(vocabSize)],
          ['Head', tieEmbeddings ? 'tied to the token embedding' : 'of its own'],
          ['Dropout', figure(dropout)],
          ['Objective', 'cross-entropy'],
        ]),
      ],
    },
    {
      heading: 'Compute Infrastructure',
      blocks: [
        facts([
          ['Hardware', adapterInWords(card.adapter)],
          ['Precision', 'config' in card ? card.config.precision : undefined],
          ['Software', 'dawnlm'],
        ]),
      ],
    },
  ];
}
