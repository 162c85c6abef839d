/**
 * What comes from outside, checked by schemas: settings, run folders, files of other programs. One check for all of them, and
 * one kind of sentence about the first thing that is wrong: "config.steps must be a whole number of 1 or more; got 0".
 */
import { z } from 'zod';
import { UsageError, UserError } from './errors.ts';

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

/** The same of JSON text; undefined is none. */
export function checkJson<S extends z.ZodType>(schema: S, text: string | undefined, refuse: Refuse): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text!);
  } catch (error) {
    throw refuse(text === undefined ? 'it is missing' : `it is not JSON (${(error as Error).message})`);
  }
  return check(schema, value, refuse);
}

/** The lines of JSON that a schema takes; others, such as one that a kill cut short, are passed over. */
export const checkLines = <S extends z.ZodType>(schema: S, text: string): z.output<S>[] =>
  text.split('\n').flatMap((line) => {
    try {
      return [checkJson(schema, line, Error)];
    } catch {
      return [];
    }
  });

/** What to say of settings. */
export const wrongUse: Refuse = (problem) => new UsageError(problem);

/** What to say of a file that is not as it should be. */
export const damaged =
  (file: string, advice = 'Restore it from a copy, or train anew.'): Refuse =>
  (problem) =>
    new UserError(`${file} is damaged: ${problem}. ${advice}`);

/** A schema as JSON Schema of what goes in: what editors read. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', target: 'draft-07', unrepresentable: 'any' });

function problemOf(schema: z.ZodType, value: unknown, { code, path, message, ...issue }: z.core.$ZodIssue): string {
  const name = z.core.toDotPath(path) || 'it';
  if (code === 'custom') return `${name} ${message}`;
  const wanted = path.reduce(within, jsonSchemaOf(schema));
  if ('keys' in issue) {
    const known = Object.keys(wanted.properties ?? {}).join(', ');
    return `unknown setting ${JSON.stringify(issue.keys[0])}; the settings are ${known}`;
  }
  const got = path.reduce((at: unknown, key) => (at as Record<PropertyKey, unknown>)[key], value);
  return `${name} must be ${expected(wanted)}; ${got === undefined ? 'it is missing' : `got ${show(got)}`}`;
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

/** " from 0 to below 1", " of 1 or more", " above 0". Whole numbers that JavaScript counts exactly are no bounds. */
function range({ minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below }: JsonSchema): string {
  const least = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const low = above !== undefined ? ` above ${figure(above)}` : least !== undefined ? ` from ${figure(least)}` : '';
  const high = below !== undefined ? ` below ${figure(below)}` : most !== undefined ? ` to ${figure(most)}` : '';
  if (least !== undefined && !high) return ` of ${figure(least)} or more`;
  return low && below !== undefined ? `${low} to${high}` : low + high;
}

const figure = (value: unknown): string => Number(value).toLocaleString('en', { maximumFractionDigits: 20 });

/** A value as an error prints it: short, and NaN as it is. */
function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
