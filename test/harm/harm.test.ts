import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { damages, drawBy } from './mutate.ts';
import { type Reader, readers } from './readers.ts';

/** Files that were damaged or made to harm, 15,000 of them: each is read rightly or refused in a sentence, at once; nothing else. */

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-harm-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'tuning'));
const READERS = await readers();
const INPUTS = 15_000;
const MOST_MS = 1000;
const LONGEST_SENTENCE = 600;

const COUNTS =
  /^(count|examples|words|tokens|sentences|support|predicted|correct|step|steps|bytes|characters|trainTokens|seed)$/;
const SHARES = /^(accuracy|precision|recall|f1|macroF1|tokenAccuracy|coverage|score|calibrationError)$/;

/** What makes no sense in a value that was taken, if anything: by the names of its parts, whatever the schemas say. */
function nonsense(value: unknown, name = ''): string | undefined {
  if (typeof value === 'number') {
    if (COUNTS.test(name) && !(Number.isSafeInteger(value) && value >= 0)) return `${name} ${value}`;
    if (SHARES.test(name) && !(value >= 0 && value <= 1)) return `${name} ${value}`;
    return name === 'temperature' && !(value > 0 && value <= 1000) ? `${name} ${value}` : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (name === 'labels' && Array.isArray(value) && new Set(value).size < value.length)
    return 'labels that are not distinct';
  for (const [key, part] of Object.entries(value)) {
    const found = nonsense(part, key);
    if (found) return found;
  }
  return undefined;
}

/** What became of an input: 'read', 'refused', or what it must not do. */
async function outcomeOf(reader: Reader, bytes: Buffer): Promise<string> {
  writeFileSync(join(folder, reader.file), bytes);
  const before = process.cpuUsage(); // no clock: others may have the processor
  const outcome = await reader.read(folder).then(
    (value) => (nonsense(value) ? `took nonsense: ${nonsense(value)}` : 'read'),
    (error) => {
      if (!(error instanceof UserError)) return `bare: ${error instanceof Error ? error.stack : error}`;
      if (/\p{Cc}/u.test(error.message)) return `control characters: ${JSON.stringify(error.message)}`;
      return error.message.length > LONGEST_SENTENCE ? `too long: ${error.message.slice(0, 300)}` : 'refused';
    },
  );
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1000;
  return tookMs > MOST_MS ? `took ${tookMs.toFixed(0)} ms: ${outcome}` : outcome;
}

it.each(READERS.map((reader) => [reader.name, reader] as const))('%s is read as it was written', async (_, reader) => {
  expect(await outcomeOf(reader, reader.bytes)).toBe('read');
});

it(`of ${INPUTS} damaged inputs each is read or refused in a sentence`, { timeout: 300_000 }, async () => {
  const seed = Number(process.env.HARM_SEED ?? 1);
  const tally: Record<string, Record<string, number>> = {};
  const wrong: string[] = [];
  const more = Object.values(damages(false));
  for (let i = 0; i < INPUTS; i++) {
    const draw = drawBy(seed * 1e6 + i);
    const reader = READERS[i % READERS.length];
    const kinds = Object.entries(damages(reader.json));
    const [kind, damage] = kinds[draw(kinds.length)];
    const once = damage(reader.bytes, draw);
    const bytes = draw(4) > 0 || once.length === 0 ? once : more[draw(more.length)](once, draw);
    const outcome = await outcomeOf(reader, bytes);
    const kindOfOutcome = outcome.split(':')[0].replace(/\d+/, 'too many');
    tally[reader.name] = { ...tally[reader.name], [kindOfOutcome]: (tally[reader.name]?.[kindOfOutcome] ?? 0) + 1 };
    if (outcome !== 'read' && outcome !== 'refused') wrong.push(`${reader.name}, ${kind}, input ${i}: ${outcome}`);
  }
  console.table(tally);
  expect(wrong.slice(0, 40)).toEqual([]);
});
