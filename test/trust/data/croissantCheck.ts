/**
 * A check of Croissant descriptions, written from the specification: http://mlcommons.org/croissant/1.1 and, for the properties under `rai:`,
 * http://mlcommons.org/croissant/RAI/1.0. It takes what is written here and no more: whatever property it does not know is an error.
 */
import { z } from 'zod';

const words = z.string().min(1);
const url = z.string().regex(/^[a-z][a-z0-9+.-]*:\S+$/);
/** An absolute address, or one as seen from the description. */
const place = z
  .string()
  .regex(/^(?:[a-z][a-z0-9+.-]*:\S+|(?:[\w.!~*'()-]|%[0-9A-F]{2})+(?:\/(?:[\w.!~*'()-]|%[0-9A-F]{2})+)*)$/);
const reference = z.strictObject({ '@id': words });
const date = z.iso.date();
const oneOrMore = <T extends z.ZodType>(type: T) => z.union([type, z.array(type).min(1)]);

const ATOMIC = [
  'sc:Boolean',
  'sc:Date',
  'sc:Time',
  'sc:DateTime',
  'sc:Float',
  'sc:Integer',
  'sc:Text',
  'sc:URL',
] as const;

const FileObject = z.strictObject({
  ...{ '@type': z.literal('cr:FileObject'), '@id': words, name: words, description: words.optional() },
  ...{
    contentUrl: place,
    contentSize: z
      .string()
      .regex(/^\d+(?:\.\d+)?(?: (?:B|kB|KB|MB|GB))?$/)
      .optional(),
  },
  encodingFormat: z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const regex = z.string().refine((text) => new RegExp(`${text}|`).exec('')!.length === 2, 'has one group');
const Source = z.strictObject({
  fileObject: reference,
  extract: z.union([
    z.strictObject({ fileProperty: z.enum(['fullpath', 'filename', 'content', 'lines', 'lineNumbers']) }),
    z.strictObject({ column: words }),
    z.strictObject({ jsonPath: words }),
  ]),
  transform: z.strictObject({ regex }).optional(),
});

const Field = z.strictObject({
  ...{ '@type': z.literal('cr:Field'), '@id': words, name: words, description: words.optional() },
  ...{ dataType: z.enum(ATOMIC), source: Source.optional(), references: reference.optional() },
});

const RecordSet = z.strictObject({
  ...{ '@type': z.literal('cr:RecordSet'), '@id': words, name: words, description: words.optional() },
  ...{ dataType: z.enum(['cr:Split', 'sc:Enumeration']).optional(), key: reference.optional() },
  field: z.array(Field).min(1),
  data: z
    .array(z.record(z.string(), z.union([z.string(), z.number()])))
    .min(1)
    .optional(),
});

const TERMS = [
  'citeAs',
  'column',
  'extract',
  'field',
  'fileProperty',
  'fileObject',
  'key',
  'recordSet',
  'references',
  'regex',
  'source',
  'transform',
];
const Context = z
  .looseObject({
    '@language': z.literal('en'),
    '@vocab': z.enum(['http://schema.org/', 'https://schema.org/']),
    cr: z.literal('http://mlcommons.org/croissant/'),
    rai: z.literal('http://mlcommons.org/croissant/RAI/'),
    dct: z.literal('http://purl.org/dc/terms/'),
    conformsTo: z.literal('dct:conformsTo'),
    data: z.strictObject({ '@id': z.literal('cr:data'), '@type': z.literal('@json') }),
    dataType: z.strictObject({ '@id': z.literal('cr:dataType'), '@type': z.literal('@vocab') }),
  })
  .refine((context) => TERMS.every((term) => context[term] === `cr:${term}`), 'stands for the terms of Croissant');

export const Dataset = z.strictObject({
  ...{ '@context': Context, '@type': z.enum(['sc:Dataset', 'Dataset']), name: words, description: words },
  conformsTo: z.tuple([
    z.literal('http://mlcommons.org/croissant/1.1'),
    z.literal('http://mlcommons.org/croissant/RAI/1.0'),
  ]),
  license: oneOrMore(z.union([url, z.strictObject({ '@type': z.literal('CreativeWork'), name: words })])),
  ...{ url, datePublished: date, version: words.optional(), isLiveDataset: z.boolean().optional() },
  creator: oneOrMore(z.strictObject({ '@type': z.enum(['Organization', 'Person']), name: words })),
  inLanguage: oneOrMore(z.string().regex(/^[a-z]{2,3}$/)).optional(),
  ...{ distribution: z.array(FileObject).min(1), recordSet: z.array(RecordSet) },
  'rai:dataCollectionRawData': words.optional(),
  'rai:dataPreprocessingProtocol': oneOrMore(words).optional(),
  'rai:dataUseCases': oneOrMore(words).optional(),
  'rai:dataLimitations': oneOrMore(words).optional(),
  'rai:dataBiases': oneOrMore(words).optional(),
  'rai:personalSensitiveInformation': oneOrMore(words).optional(),
});
type Dataset = z.infer<typeof Dataset>;

/** The description as its schema has it. @throws Error that says what the specification has against it */
export function checkCroissant(json: unknown): Dataset {
  const dataset = Dataset.parse(json);
  const { distribution, recordSet } = dataset;
  const fields = recordSet.flatMap(({ field }) => field);
  const ids = [...distribution, ...recordSet, ...fields].map((one) => one['@id']);
  demand(new Set(ids).size === ids.length, `identifiers are unique: ${ids.join(' ')}`);
  const [files, known] = [distribution, fields].map((all) => new Set(all.map((one) => one['@id'])));
  for (const { source, references } of fields) {
    if (source) demand(files.has(source.fileObject['@id']), `no file ${source.fileObject['@id']}`);
    if (references) demand(known.has(references['@id']), `no field ${references['@id']}`);
  }
  for (const set of recordSet) checkRecords(set);
  return dataset;
}

function checkRecords({ '@id': id, key, field, data, dataType }: z.infer<typeof RecordSet>): void {
  const types = new Map(field.map((one) => [one['@id'], one.dataType]));
  for (const one of types.keys()) demand(one.startsWith(`${id}/`), `${one} is prefixed by ${id}`);
  if (key) demand(types.has(key['@id']), `${id} has no field ${key['@id']}`);
  if (dataType) demand(key !== undefined && types.has(`${id}/name`), `${id} has a key and a name`);
  for (const [name, value] of (data ?? []).flatMap((row) => Object.entries(row))) {
    demand(types.has(name), `${id} has no field ${name}`);
    demand(
      types.get(name) === 'sc:Integer' ? Number.isInteger(value) : typeof value === 'string',
      `${name} is ${types.get(name)}`,
    );
  }
  const keys = (data ?? []).map((row) => row[key?.['@id'] ?? '']);
  if (data) demand(new Set(keys).size === keys.length, `keys of ${id} are unique`);
  if (data)
    demand(
      data.every((row) => Object.keys(row).length === types.size),
      `rows of ${id} are whole`,
    );
}

function demand(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Croissant: ${what}`);
}
