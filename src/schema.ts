/**
 * What comes from outside, checked by schemas: settings, run folders, files of other programs. One check for all of them, and
 * one kind of sentence about the first thing that is wrong: "config.steps must be a whole number of 1 or more; got 0".
 */
import { z } from 'zod';
import { UsageError, UserError } from './errors.ts';
import { printable, quote, short } from './quote.ts';

/** What a schema says of a value, as far as sentences and flags go by it. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Makes an error of what is wrong with a value. */
export type Refuse = (problem: string) => Error;

/** A value as its schema has it, defaults filled in. @throws what `refuse` makes of the first thing that is wrong */
export function check<S extends z.ZodType>(schema: S, value: unknown, refuse: Refuse): z.output<S> {
  const { data, error } = schema.safeParse(value);
  if (error) throw refuse(problemOf(schema, value, error.issues[0]));
  return data as z.output<S>;
}

/** Deeper than any file that is written here, or is read from others: what is nested no deeper may be walked by recursion. */
const DEEPEST = 64;
/** Characters: V8 holds no text of twice as many. */
const LONGEST = 2 ** 28;

/** JSON text as a value: the one reader of JSON that others wrote; undefined is none. @throws what `refuse` makes of what is wrong with it */
export function parseJson(text: string | undefined, refuse: Refuse): unknown {
  if (text === undefined) throw refuse('it is missing');
  if (text.length > LONGEST) throw refuse(`it is longer than ${figure(LONGEST)} characters`);
  const at = tooDeep(text);
  if (at !== undefined) throw refuse(`it is nested more than ${DEEPEST} deep, at character ${figure(at)}`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuse(`it is not JSON (${printable((error as Error).message)})`);
  }
}

/** Where a bracket opens, outside of strings, while `DEEPEST` are open. By a look, not by a try: it is others that would overflow. */
function tooDeep(text: string): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const sign = text[i];
    if (sign === '"') quoted = !quoted;
    else if (quoted) i += Number(sign === '\\');
    else if (sign === ']' || sign === '}') depth--;
    else if ((sign === '[' || sign === '{') && ++depth > DEEPEST) return i;
  }
  return undefined;
}

/** The value of JSON text as its schema has it. @throws what `refuse` makes of the first thing that is wrong */
export const checkJson = <S extends z.ZodType>(schema: S, text: string | undefined, refuse: Refuse): z.output<S> =>
  check(schema, parseJson(text, refuse), refuse);

/** The lines of JSON that a schema takes; others, such as one that a kill cut short, are passed over. */
export const checkLines = <S extends z.ZodType>(schema: S, text: string): z.output<S>[] =>
  text.split('\n').flatMap((line) => {
    try {
      return [checkJson(schema, line, Error)];
    } catch {
      return [];
    }
  });

/** The name of a file in a folder: never a path, which could lead out of it. */
export const FileName = z
  .string()
  .regex(/^(?!\.{1,2}$)[^\\/:\p{Cc}]{1,200}$/u)
  .meta({ title: 'the name of a file, without a path' });

/** A SHA-256, in hex. */
export const Sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ title: 'a SHA-256 of 64 hexadecimal digits' });

/** A moment, as `toISOString` writes it. */
export const Moment = z.iso.datetime().meta({ title: 'a time such as 2026-01-31T12:00:00.000Z' });

/** What to say of settings. */
export const wrongUse: Refuse = (problem) => new UsageError(problem);

/** What to say of a file that is not as it should be. */
export const damaged =
  (file: string, advice = 'Restore it from a copy, or train anew.'): Refuse =>
  (problem) =>
    new UserError(`${file} is damaged: ${problem}. ${advice}`);

/** A schema as JSON Schema of what goes in: what editors read. That whole numbers are ones that JavaScript counts goes without saying. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, {
    ...{ io: 'input', target: 'draft-07', unrepresentable: 'any' },
    override: ({ jsonSchema }) => {
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });

/** Names that a sentence lists: it stays one however many settings there come to be. */
const MOST_NAMED = 36;

function problemOf(schema: z.ZodType, value: unknown, { code, path, message, ...issue }: z.core.$ZodIssue): string {
  const name = short(z.core.toDotPath(path)) || 'it';
  if (code === 'custom') return `${name} ${message}`;
  if (code === 'invalid_key') return `${name} has no name that can stand there`;
  const wanted = path.reduce(within, jsonSchemaOf(schema));
  if ('keys' in issue) {
    const known = Object.keys(wanted.properties ?? {});
    const more = known.length > MOST_NAMED ? `, and ${known.length - MOST_NAMED} more` : '';
    return `unknown setting ${quote(issue.keys[0])}; the settings are ${known.slice(0, MOST_NAMED).join(', ')}${more}`;
  }
  const got = path.reduce((at: unknown, key) => (at as Record<PropertyKey, unknown>)[key], value);
  return `${name} must be ${expected(wanted)}; ${got === undefined ? 'it is missing' : `got ${quote(got)}`}`;
}

/** The schema of a part. */
function within(schema: JsonSchema, key: PropertyKey): JsonSchema {
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return { anyOf: either.map((one) => within(one as JsonSchema, key)).filter((one) => one.type) };
  const { properties, items, additionalProperties } = schema;
  const item = Array.isArray(items) ? items[key as number] : items;
  return (properties?.[String(key)] ?? item ?? additionalProperties ?? {}) as JsonSchema;
}

const KINDS: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** What a schema takes, in words: its title, or what follows from its kind and range. */
export function expected(schema: JsonSchema): string {
  const { title, type, const: only, enum: choices, minLength, minItems } = schema;
  if (title !== undefined) return title;
  const kinds = Array.isArray(type) ? type.map((one) => ({ ...schema, type: one }) as JsonSchema) : undefined;
  const either = schema.anyOf ?? schema.oneOf ?? kinds;
  if (either) return [...new Set(either.map((one) => expected(one as JsonSchema)))].join(' or ');
  if (only !== undefined) return JSON.stringify(only);
  if (choices) return `one of ${choices.join(', ')}`;
  return (KINDS[type as string] ?? String(type)) + (minLength || minItems ? ' that is not empty' : range(schema));
}

/** " from 0 to below 1", " of 1 or more", " above 0" */
function range({
  minimum: least,
  maximum: most,
  exclusiveMinimum: above,
  exclusiveMaximum: below,
}: JsonSchema): string {
  const low = above !== undefined ? ` above ${figure(above)}` : least !== undefined ? ` from ${figure(least)}` : '';
  const high = below !== undefined ? ` below ${figure(below)}` : most !== undefined ? ` to ${figure(most)}` : '';
  if (least !== undefined && !high) return ` of ${figure(least)} or more`;
  return low && below !== undefined ? `${low} to${high}` : low + high;
}

const figure = (value: unknown): string => Number(value).toLocaleString('en', { maximumFractionDigits: 20 });
