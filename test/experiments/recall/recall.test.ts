import { describe, expect, it } from 'vitest';
import { recallBatch, recallQuestion, recallVocabulary } from '../../../experiments/recall/recall.ts';
import type { RecallResult } from '../../../experiments/recall/run.ts';
import { renderRecallReport } from '../../../experiments/report/recall.ts';
import { IGNORE } from '../../../src/text/windows/windows.ts';

const TASK = { keys: 6, values: 4, pairs: 9, mostShots: 6 };

describe('a question', () => {
  it('asks for a key among its shots, all different, and the answer is what it was paired with', () => {
    for (let index = 0; index < 50; index++) {
      const { ids, answer } = recallQuestion(TASK, 5, 3, index);
      expect(ids).toHaveLength(11);
      const pairs = Array.from({ length: 5 }, (_, i) => [ids[2 * i], ids[2 * i + 1]]);
      expect(new Set(pairs.map(([key]) => key)).size).toBe(5);
      for (const [key, value] of pairs) {
        expect(key).toBeGreaterThanOrEqual(TASK.values);
        expect(key).toBeLessThan(recallVocabulary(TASK));
        expect(value).toBeLessThan(TASK.values);
      }
      expect(pairs.filter(([key]) => key === ids[10])).toEqual([[ids[10], answer]]);
    }
  });

  it('without shots is a key alone, and every value is as often the answer', () => {
    const counts = [0, 0, 0, 0];
    for (let index = 0; index < 4000; index++) {
      const { ids, answer } = recallQuestion(TASK, 0, 3, index);
      expect(ids).toHaveLength(1);
      counts[answer]++;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(110); // 4 standard deviations of 27
  });

  it('is another one by seed and index, and always the same by both', () => {
    const at = (seed: number, index: number) => [...recallQuestion(TASK, 6, seed, index).ids].join();
    expect(at(1, 0)).toBe(at(1, 0));
    expect(new Set([at(1, 0), at(1, 1), at(2, 0), at(2, 1)]).size).toBe(4);
  });
});

describe('a batch for training', () => {
  it('asks for exactly the values of keys that came before, and pairs stay the same in a sequence', () => {
    const { inputs, targets } = recallBatch(TASK, 40, 4, 5, 2);
    for (let row = 0; row < 40; row++) {
      const known = new Map<number, number>();
      for (let i = 0; i < TASK.pairs; i++) {
        const at = (row * TASK.pairs + i) * 2;
        const [key, value] = [inputs[at], inputs[at + 1]];
        expect(targets[at]).toBe(known.has(key) ? known.get(key) : IGNORE);
        expect(targets[at + 1]).toBe(IGNORE);
        if (known.has(key)) expect(value).toBe(known.get(key));
        known.set(key, value);
      }
      expect(known.size).toBeLessThanOrEqual(4);
    }
  });

  it('is another one at each step', () => {
    expect(recallBatch(TASK, 4, 4, 5, 2)).toEqual(recallBatch(TASK, 4, 4, 5, 2));
    expect(recallBatch(TASK, 4, 4, 5, 2)).not.toEqual(recallBatch(TASK, 4, 4, 5, 3));
  });
});

it('the report shows every score, and fetches nothing', () => {
  const result: RecallResult = {
    ...{ seed: 1, task: TASK, chance: 0.25, parameters: 1234, steps: 40, timeMs: 2000, questions: 8 },
    model: { style: 'llama', nLayer: 2, nHead: 2, nEmbd: 16 },
    stages: [
      { pairs: 3, batchSize: 4, distinct: [2, 2], steps: 60, until: 0.05, taken: 20, loss: 0.04 },
      { pairs: 9, batchSize: 4, distinct: [2, 6], steps: 20, until: 0, taken: 20, loss: 0.02 },
    ],
    history: [
      { step: 20, loss: 0.04 },
      { step: 40, loss: 0.02 },
    ],
    scores: [
      { shots: 0, accuracy: 0.25, interval: [0.07, 0.59] },
      { shots: 1, accuracy: 0.875, interval: [0.53, 0.98] },
    ],
  };
  const page = renderRecallReport(result);
  for (const text of ['25.0%', '87.5%', '53.0% to 98.0%', 'longer sequences', '2, growing to 6', '2.0 s']) {
    expect(page).toContain(text);
  }
  expect(page).not.toMatch(/(src|href)="http/);
  expect(renderRecallReport(result)).toBe(page);
});
