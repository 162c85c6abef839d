/**
 * A run's data as Croissant 1.1 describes data sets (http://mlcommons.org/croissant/1.1): JSON-LD over schema.org, with files, records and
 * the responsible-AI properties that were measured.
 */
import { wentInWords } from '../../report/dataCard.ts';
import { exact, percent, plural } from '../../report/format.ts';
import { type CardFacts, type LabelFacts, packagePage, packagesOf, type TextFacts } from './facts.ts';
import { type DataFile, hashUrl, isAltered } from './files.ts';
import { licenceUrls } from './licence.ts';

/** The context that the specification recommends in its first appendix: Croissant's own terms, and schema.org's for all others. */
const TERMS =
  `annotation arrayShape citeAs column containedIn equivalentProperty excludes extract field fileProperty fileObject fileSet
format includes isArray isLiveDataset jsonPath key md5 parentField recordSet references regex readLines sdVersion separator source subField
transform unArchive value`.split(/\s+/);
const CONTEXT = {
  ...{ '@language': 'en', '@vocab': 'http://schema.org/', sc: 'http://schema.org/' },
  ...{
    cr: 'http://mlcommons.org/croissant/',
    rai: 'http://mlcommons.org/croissant/RAI/',
    dct: 'http://purl.org/dc/terms/',
  },
  ...Object.fromEntries(TERMS.map((term) => [term, `cr:${term}`])),
  conformsTo: 'dct:conformsTo',
  ...{ data: { '@id': 'cr:data', '@type': '@json' }, examples: { '@id': 'cr:examples', '@type': '@json' } },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
};

const CONFORMS = ['http://mlcommons.org/croissant/1.1', 'http://mlcommons.org/croissant/RAI/1.0'];

/** What was measured of the data beside its size, a sentence each. */
export interface DataMeasured {
  readonly limitations?: readonly string[];
  readonly biases?: readonly string[];
  readonly personal?: readonly string[];
  /** ISO 639. */
  readonly languages?: readonly string[];
}

/** The description, to be written as JSON. The same run and files give the same bytes. */
export function croissantOf(facts: CardFacts, files: readonly DataFile[], measured: DataMeasured = {}): object {
  const { data, known, card } = facts;
  const [source] = packagesOf(facts);
  const { sha256 } = card.dataCard;
  const day = card.startedAt.slice(0, 10);
  const { limitations, biases, personal, languages } = measured;
  const undated = `When it was published is not known here: the date is the day on which it was read.`;
  return {
    ...{ '@context': CONTEXT, '@type': 'sc:Dataset', name: data.name, conformsTo: CONFORMS },
    description: [known?.title ?? `The data of ${facts.name}: ${data.source}.`, known?.note, undated]
      .filter(Boolean)
      .join(' '),
    license: licenceUrls(data.licence),
    url: source ? packagePage(source) : hashUrl(sha256),
    creator: { '@type': 'Organization', name: source ? `authors of ${source.name}` : 'not known' },
    datePublished: day,
    version: source?.version,
    isLiveDataset: false,
    inLanguage: languages,
    distribution: files.map(fileObject),
    recordSet: facts.task === 'text' ? textRecords(facts, files) : labelRecords(facts, files),
    'rai:dataCollectionRawData': data.source,
    'rai:dataPreprocessingProtocol': facts.task === 'text' ? preparation(facts) : removal(facts),
    'rai:dataUseCases': ['Training', 'Validation', ...(facts.task === 'text' ? [] : ['Testing'])],
    'rai:dataLimitations': limitations,
    'rai:dataBiases': biases,
    'rai:personalSensitiveInformation': personal,
  };
}

const fileObject = ({ id, sizeBytes, ...file }: DataFile) => ({
  ...{ '@type': 'cr:FileObject', '@id': id },
  ...file,
  contentSize: sizeBytes === undefined ? undefined : `${sizeBytes} B`,
});

/** A record a line, and how many tokens train and validate. Several files have a set of records each, for a field has one source. */
function textRecords({ card }: TextFacts, files: readonly DataFile[]): object[] {
  const { trainTokens, validationTokens } = card.dataCard;
  return [
    ...files.map(({ id, name }) => ({
      ...{ '@type': 'cr:RecordSet', '@id': `${id}/lines`, name: `lines of ${name}` },
      field: [
        field(`${id}/lines/text`, 'A line.', 'sc:Text', {
          fileObject: { '@id': id },
          extract: { fileProperty: 'lines' },
        }),
      ],
    })),
    splits([
      { name: 'train', url: 'cr:TrainingSplit', tokens: trainTokens },
      { name: 'validation', url: 'cr:ValidationSplit', tokens: validationTokens },
    ]),
  ];
}

const field = (id: string, description: string, dataType: string, source?: object, more: object = {}) => ({
  ...{ '@type': 'cr:Field', '@id': id, name: id, description, dataType, source },
  ...more,
});

function splits(rows: readonly { name: string; url: string; tokens?: number; examples?: number }[]): object {
  const keys = Object.keys(rows[0]);
  const types: Record<string, string> = { name: 'sc:Text', url: 'sc:URL' };
  return {
    ...{
      '@type': 'cr:RecordSet',
      '@id': 'splits',
      name: 'splits',
      dataType: 'cr:Split',
      key: { '@id': 'splits/name' },
    },
    field: keys.map((key) => field(`splits/${key}`, SPLIT_FIELDS[key], types[key] ?? 'sc:Integer')),
    data: rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [`splits/${key}`, value]))),
  };
}
const SPLIT_FIELDS: Readonly<Record<string, string>> = {
  name: 'What the part is called.',
  url: 'What it is for.',
  tokens: 'Tokens in it.',
  examples: 'Examples in it.',
};

/** A set of records for each part that is kept, the labels, and the parts. */
function labelRecords({ task, card }: LabelFacts, files: readonly DataFile[]): object[] {
  const parts = Object.entries(card.splits);
  const labelled = parts.map(([part], i) => {
    const { id } = files[i];
    const source = (extract: object, transform?: object) => ({ fileObject: { '@id': id }, extract, transform });
    const label = { references: { '@id': 'labels/name' } };
    const fields =
      task === 'classify'
        ? [
            field(`${part}/text`, 'The text.', 'sc:Text', source({ column: 'text' })),
            field(`${part}/label`, 'Its label.', 'sc:Text', source({ column: 'label' }), label),
          ]
        : [
            field(
              `${part}/word`,
              'A word; an empty line ends a sentence.',
              'sc:Text',
              source(LINES, { regex: '^(.*)[ \\t]\\S+$' }),
            ),
            field(`${part}/tag`, 'Its tag.', 'sc:Text', source(LINES, { regex: '(\\S+)$' }), label),
          ];
    return { '@type': 'cr:RecordSet', '@id': part, name: part, field: fields };
  });
  return [
    ...labelled,
    labelsOf(card.labels.map(String)),
    splits(parts.map(([name, { examples }]) => ({ name, url: splitUrl(name), examples }))),
  ];
}

const LINES = { fileProperty: 'lines' };

const splitUrl = (part: string): string =>
  ({ train: 'cr:TrainingSplit', validation: 'cr:ValidationSplit' })[part] ?? 'cr:TestSplit';

const labelsOf = (labels: readonly string[]): object => ({
  ...{
    '@type': 'cr:RecordSet',
    '@id': 'labels',
    name: 'labels',
    dataType: 'sc:Enumeration',
    key: { '@id': 'labels/name' },
  },
  field: [field('labels/name', 'What the label is called.', 'sc:Text')],
  data: labels.map((label) => ({ 'labels/name': label })),
});

/** What was done to a text before it was learned from. */
function preparation({ card }: TextFacts): string[] {
  const { dataCard, config, tunedFrom } = card;
  const { tokenizer, vocabularySize, duplicates, cut, canaries, clean, sha256 } = dataCard;
  const held = tunedFrom?.chat
    ? 'Some of the prompts with their answers are held out.'
    : `The last ${percent(config.validationFraction)} of the characters are held out.`;
  const changed = `SHA-256 of what was learned from: ${sha256}.`;
  return [
    ...(canaries ? [`${plural(canaries.sentences, 'sentence')} with random digits planted (canaries).`] : []),
    ...(clean ? [`Left out or masked: ${wentInWords(clean)}.`] : []),
    ...(isAltered(dataCard) ? [changed] : []),
    `The text is cut into tokens by ${tokenizer}, a vocabulary of ${exact(vocabularySize)}.`,
    held,
    ...(duplicates === undefined ? [] : [`${plural(duplicates, 'duplicate')} left out.`]),
    ...(cut === undefined ? [] : [`${plural(cut, 'answer')} cut to the context.`]),
  ];
}

function removal({ card }: LabelFacts): string[] {
  const { within, across, conflicting } = card.dataCard.duplicates;
  return [
    `Left out: ${plural(within, 'duplicate')} within parts, ${exact(across)} across parts, ${exact(conflicting)} with several labels.`,
  ];
}
