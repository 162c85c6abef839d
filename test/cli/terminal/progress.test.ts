import { expect, it } from 'vitest';
import { Progress } from '../../../src/cli/terminal/progress.ts';

function setUp(properties: { isTTY?: boolean; columns?: number }) {
  const written: string[] = [];
  const stream = { write: (text: string | Uint8Array) => written.push(String(text)) > 0, ...properties };
  const clock = { timeMs: 0 };
  return { written, clock, stream, progress: new Progress(stream, () => clock.timeMs) };
}

it('writes over its line on a terminal, not more often than the eye follows', () => {
  const { written, clock, progress } = setUp({ isTTY: true, columns: 80 });
  for (clock.timeMs = 0; clock.timeMs < 1000; clock.timeMs += 10) {
    progress.update({ step: clock.timeMs, steps: 1000 });
  }
  expect(written).toHaveLength(10);
  expect(written[0]).toBe('\r\x1b[Kstep    0/1000');
  progress.end();
  expect(written.slice(10)).toEqual(['\r\x1b[Kstep  990/1000', '\n']);
});

it('never reaches the last column, where the terminal would wrap', () => {
  const { written, progress } = setUp({ isTTY: true, columns: 24 });
  progress.update({ step: 120, steps: 940, loss: 2.31, leftMs: 1000 });
  expect(written).toEqual(['\r\x1b[Kstep 120/940  loss 2.31']);
});

it('keeps notes above the live line', () => {
  const { written, progress } = setUp({ isTTY: true, columns: 80 });
  progress.note('starting');
  progress.update({ step: 1, steps: 9 });
  progress.note('saved');
  progress.end();
  expect(written).toEqual(['starting\n', '\r\x1b[Kstep 1/9', '\r\x1b[Ksaved\nstep 1/9', '\n']);
});

it('shows the control characters of a note, lines aside', () => {
  const { written, progress } = setUp({ isTTY: true });
  progress.note('text: a\x1b[2Jb\u009b,\nof two lines');
  expect(written).toEqual(['text: a\\u001b[2Jb\\u009b,\nof two lines\n']);
});

it('writes a plain line now and then into a file, and the last one', () => {
  const { written, clock, progress } = setUp({});
  for (clock.timeMs = 0; clock.timeMs < 25_000; clock.timeMs += 100) {
    progress.update({ step: clock.timeMs / 100, steps: 250 });
  }
  progress.note('stopped');
  progress.end();
  expect(written).toEqual(['step   0/250\n', 'step 100/250\n', 'step 200/250\n', 'stopped\n', 'step 249/250\n']);
});

it('says nothing when nothing happened, and can begin again', () => {
  const { written, progress } = setUp({ isTTY: true, columns: 80 });
  progress.end();
  expect(written).toEqual([]);
  progress.update({ step: 1, steps: 2 });
  progress.end();
  progress.end();
  expect(written).toEqual(['\r\x1b[Kstep 1/2', '\n']);
});
