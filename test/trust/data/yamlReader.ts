/**
 * Reads the YAML that stands above a card, strictly: block mappings and lists, texts in double quotes, numbers, [] and {}. What is not that is
 * an error. `npm run judges` reads the same files with a whole parser of YAML.
 */

interface Line {
  readonly indent: number;
  readonly text: string;
}

/** The YAML and the Markdown of a card. */
export function cardParts(card: string): { yaml: unknown; markdown: string } {
  const [, yaml, markdown] = /^---\n([\s\S]*?\n)---\n\n([\s\S]*)$/.exec(card) ?? [];
  if (yaml === undefined) throw new Error('no YAML between lines of ---');
  return { yaml: readYaml(yaml), markdown };
}

export function readYaml(text: string): unknown {
  const lines = text.split('\n').slice(0, -1).map(lineOf);
  const value = node(lines, 0);
  if (lines.length > 0) throw new Error(`indented otherwise: ${lines[0].text}`);
  return value;
}

function lineOf(line: string): Line {
  const [, space, text] = /^( *)(\S.*)$/.exec(line) ?? [];
  if (text === undefined || /[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text))
    throw new Error(`no line: ${JSON.stringify(line)}`);
  return { indent: space.length, text };
}

/** What begins at the first line, which is so far to the right; its lines are taken away. */
function node(lines: Line[], indent: number): unknown {
  return lines[0].text.startsWith('- ') ? list(lines, indent) : mapping(lines, indent);
}

function list(lines: Line[], indent: number): unknown[] {
  const items: unknown[] = [];
  while (lines[0]?.indent === indent && lines[0].text.startsWith('- ')) {
    const rest = lines[0].text.slice(2);
    if (KEY.test(rest) || rest.startsWith('- ')) {
      lines[0] = { indent: indent + 2, text: rest };
      items.push(node(lines, indent + 2));
    } else items.push(scalar(lines.shift()!.text.slice(2)));
  }
  return items;
}

const KEY = /^([A-Za-z][\w-]*|"(?:[^"\\]|\\.)*"):(?: (.*))?$/;

function mapping(lines: Line[], indent: number): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  while (lines[0]?.indent === indent) {
    const [, name, rest] = KEY.exec(lines[0].text) ?? [];
    if (name === undefined) throw new Error(`no key: ${lines[0].text}`);
    const key = name.startsWith('"') ? JSON.parse(name) : name;
    if (Object.hasOwn(found, key)) throw new Error(`twice: ${key}`);
    lines.shift();
    if (rest !== undefined) found[key] = scalar(rest);
    else if (lines[0]?.indent === indent + 2) found[key] = node(lines, indent + 2);
    else throw new Error(`nothing under ${key}`);
  }
  return found;
}

function scalar(text: string): unknown {
  if (/^".*"$/.test(text) || text === '[]' || text === '{}') return JSON.parse(text);
  if (/^-?\d+(\.\d+(e[+-]\d+)?)?$/.test(text)) return Number(text); // with a point where there is an exponent: a number in YAML 1.1 as well
  throw new Error(`neither a text in quotes nor a number: ${text}`);
}
