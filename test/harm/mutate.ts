/** Files as damage and malice leave them: bytes that are cut, flipped, moved, and JSON whose values make no sense. All by a seed. */

/** Whole numbers from 0 to below a bound. */
export type Draw = (below: number) => number;

/** mulberry32: small, and good enough to choose damage by. */
export function drawBy(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const pick = <T>(items: readonly T[], draw: Draw): T => items[draw(items.length)];

/** Two places of a file, in order. */
function range(length: number, draw: Draw): [number, number] {
  const [a, b] = [draw(length + 1), draw(length + 1)];
  return a < b ? [a, b] : [b, a];
}

/** What steers terminals, ends strings of C or is no UTF-8. */
const STEERING = ['\x1b[2J', '\x1b]0;x\x07', '\x9b31m', '\x00', '\x7f', '\u202e', '\ufeff', '\u2028', '\ud800'].map(
  (text) => Buffer.from(text),
);

/** Damage to any file. */
const BYTES: Readonly<Record<string, (bytes: Buffer, draw: Draw) => Buffer>> = {
  'cut short': (bytes, draw) => bytes.subarray(0, draw(bytes.length)),
  'flipped bits': (bytes, draw) => {
    const flipped = Buffer.from(bytes);
    for (let i = draw(4); i >= 0; i--) flipped[draw(bytes.length)] ^= 1 << draw(8);
    return flipped;
  },
  'swapped bytes': (bytes, draw) => {
    const swapped = Buffer.from(bytes);
    const [a, b] = [draw(bytes.length), draw(bytes.length)];
    [swapped[a], swapped[b]] = [bytes[b], bytes[a]];
    return swapped;
  },
  'a range gone': (bytes, draw) => {
    const [from, to] = range(bytes.length, draw);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  'a range twice': (bytes, draw) => {
    const [from, to] = range(bytes.length, draw);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  'control characters': (bytes, draw) => {
    const at = draw(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), pick(STEERING, draw), bytes.subarray(at)]);
  },
};

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** JSON that stands for a value: senseless numbers, other types, what is deep, long, or steers. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'a senseless number': ['-1', '0', '0.5', '-1e308', '1e308', '1e999', '9007199254740993', '4294967296', '1e-320', '2'],
  'another type': ['null', 'true', '[]', '{}', '""', '"x"', '[null]', '{"a":{}}', '[[]]', '7'],
  'deep nesting': [nested(63), nested(1000), nested(100_000), `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
  'a long text': [
    JSON.stringify('x'.repeat(1e5)),
    JSON.stringify('\x1b[31m'.repeat(1000)),
    JSON.stringify('👩'.repeat(5000)),
  ],
  'a text that steers': [
    '"\\u001b[2J"',
    '"\\u009b31m"',
    '"../../etc/passwd"',
    '"\\u0000"',
    '"a\\nb"',
    '"\\ud800"',
    '"__proto__"',
  ],
};

/** A value inside of another: its holder, and where it is there. */
interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((key) => {
    const holder = value as Record<string, unknown>;
    return [{ holder, key }, ...placesIn(holder[key])];
  });
}

/** Stands in JSON text for what JSON.stringify cannot write. */
const MARK = '"\\u0001here"';

/** Changes JSON text at one place: `change` makes text of the place's own. */
function atPlace(json: string, draw: Draw, change: (own: string, key: string) => string): string {
  const root = { root: JSON.parse(json) };
  const { holder, key } = pick(placesIn(root), draw);
  const own = JSON.stringify(holder[key]);
  holder[key] = JSON.parse(MARK);
  const text = JSON.stringify(root.root);
  return text.split(MARK).join(change(own, key));
}

/** Damage to JSON. */
const JSONS: Readonly<Record<string, (json: string, draw: Draw) => string>> = {
  ...Object.fromEntries(
    Object.entries(VALUES).map(([kind, values]) => [
      kind,
      (json: string, draw: Draw) => atPlace(json, draw, () => pick(values, draw)),
    ]),
  ),
  'a key gone': (json, draw) => {
    const root = { root: JSON.parse(json) };
    const { holder, key } = pick(placesIn(root), draw);
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
    return JSON.stringify(root.root ?? null);
  },
  'a key that is special': (json, draw) =>
    atPlace(json, draw, (own) => `{${pick(['"__proto__"', '"constructor"', '"toString"', '"\\u009b"'], draw)}:${own}}`),
  'a key twice': (json, draw) => {
    const value = JSON.parse(json) as Record<string, unknown>;
    const key = pick(Object.keys(value), draw);
    return JSON.stringify(value).replace(/^\{/, `{${JSON.stringify(key)}:${pick(VALUES['another type'], draw)},`);
  },
};

/** A text of JSON objects, one a line or one in all, with one of them damaged. */
function inLine(bytes: Buffer, draw: Draw, damage: (json: string, draw: Draw) => string): Buffer {
  const text = bytes.toString('utf8');
  if (!text.trimEnd().includes('\n')) return Buffer.from(damage(text, draw));
  const lines = text.trimEnd().split('\n');
  const at = draw(lines.length);
  return Buffer.from(lines.with(at, damage(lines[at], draw)).join('\n'));
}

/** The kinds of damage to a file, by name. */
export const damages = (json: boolean): Record<string, (bytes: Buffer, draw: Draw) => Buffer> => ({
  ...BYTES,
  ...(json &&
    Object.fromEntries(
      Object.entries(JSONS).map(([kind, damage]) => [kind, (bytes: Buffer, draw: Draw) => inLine(bytes, draw, damage)]),
    )),
});
