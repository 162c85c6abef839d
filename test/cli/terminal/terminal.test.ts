import { expect, it } from 'vitest';
import { liveLine, painter, terminalOf } from '../../../src/cli/terminal/terminal.ts';

const figures = { step: 120, steps: 940, loss: 2.3061, validationLoss: 2.4, tokensPerSecond: 4120.4, leftMs: 112_000 };
const stream = (properties: object) => ({ write: () => true, ...properties });

it('tells a run in one line', () => {
  expect(liveLine(figures)).toBe('step 120/940  loss 2.31  val 2.40  4,120 tokens/s  1:52 left');
  expect(liveLine({ step: 3, steps: 2000 })).toBe('step    3/2000');
});

it('drops what matters least until the line fits', () => {
  expect(liveLine(figures, 60)).toBe('step 120/940  loss 2.31  val 2.40  4,120 tokens/s  1:52 left');
  expect(liveLine(figures, 59)).toBe('step 120/940  loss 2.31  val 2.40  1:52 left');
  expect(liveLine(figures, 40)).toBe('step 120/940  loss 2.31  1:52 left');
  expect(liveLine(figures, 24)).toBe('step 120/940  loss 2.31');
  expect(liveLine(figures, 13)).toBe('step 120/940');
  for (let width = 0; width < 70; width++) expect(liveLine(figures, width).length).toBeLessThanOrEqual(width);
});

it('asks the stream and the environment what the terminal can do', () => {
  const tty = stream({ isTTY: true, columns: 120 });
  expect(terminalOf(tty, {})).toEqual({ width: 120, color: true, live: true });
  expect(terminalOf(tty, { NO_COLOR: '1' })).toEqual({ width: 120, color: false, live: true });
  expect(terminalOf(tty, { NO_COLOR: '' }).color).toBe(true);
  expect(terminalOf(tty, { TERM: 'dumb' })).toEqual({ width: 120, color: false, live: false });
  expect(terminalOf(stream({ isTTY: true, columns: 0 }), {}).width).toBe(80);
  expect(terminalOf(stream({}), {})).toEqual({ width: 80, color: false, live: false });
});

it('colours only when told to', () => {
  expect(painter(false)('training', 'x')).toBe('x');
  expect(painter(true)('training', 'x')).toBe('\x1b[34mx\x1b[0m');
  expect(painter(true)('training', '  ')).toBe('  ');
});
