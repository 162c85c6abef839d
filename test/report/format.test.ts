import { expect, it } from 'vitest';
import {
  bytes,
  count,
  dateInWords,
  duration,
  durationInWords,
  exact,
  figure,
  list,
  loss,
  percent,
  plural,
  range,
  signed,
} from '../../src/report/format.ts';

it('writes counts', () => {
  expect([0, 4120, 99_999, 826_496, 999_999, 1_204_997, 5.2e9].map(count)).toEqual([
    '0',
    '4,120',
    '99,999',
    '826k',
    '1.00M',
    '1.20M',
    '5.20G',
  ]);
  expect([Number.NaN, 3e12, -826_496, 1e30].map(count)).toEqual(['–', '3.00T', '-826k', '1.00e30']);
});

it('writes sizes', () => {
  expect([0, 512, 1024, 1536, 13e6, 1024 ** 2 - 1, 3 * 1024 ** 3].map(bytes)).toEqual([
    '0 bytes',
    '512 bytes',
    '1.0 KiB',
    '1.5 KiB',
    '12.4 MiB',
    '1.0 MiB',
    '3.0 GiB',
  ]);
});

it('writes durations', () => {
  expect([0, 42_000, 59_700, 112_000, 3_723_000, -5, Number.NaN].map(duration)).toEqual([
    '0:00',
    '0:42',
    '1:00',
    '1:52',
    '1:02:03',
    '0:00',
    '–:–',
  ]);
  expect([900, 9_960, 42_000, 60_000, 184_000, 3_600_000, 3_723_000].map(durationInWords)).toEqual([
    '0.9 s',
    '10 s',
    '42 s',
    '1 min',
    '3 min 4 s',
    '1 h',
    '1 h 2 min',
  ]);
});

it('writes figures', () => {
  expect([0, 0.001, 0.00042517, 1.88349, 41.23456, 1204.4, 3e-7, Number.NaN].map(figure)).toEqual([
    '0',
    '0.001',
    '0.0004252',
    '1.883',
    '41.23',
    '1,204',
    '3e-7',
    '–',
  ]);
  expect([1.8834, 0.5, 266.912].map(loss)).toEqual(['1.883', '0.500', '266.9']);
});

it('writes shares, differences, lists and ranges', () => {
  expect([0.8734, 0, 1, 12.3456].map(percent)).toEqual(['87.3%', '0.0%', '100.0%', '1,234.6%']);
  expect([3.14, -0.4, 0.04, -0.04].map(signed)).toEqual(['+3.1', '−0.4', '0.0', '0.0']);
  expect([list([8, 16, 1024]), list(['one', 'two']), list([5]), list([])]).toEqual([
    '8, 16 and 1,024',
    'one and two',
    '5',
    '',
  ]);
  expect([range([32, 8, 1024]), range([0.12, 0.12001], percent), range([])]).toEqual(['8 to 1,024', '12.0%', '–']);
  expect([plural(1, 'layer'), plural(4000, 'layer'), exact(1_204_997)]).toEqual([
    '1 layer',
    '4,000 layers',
    '1,204,997',
  ]);
});

it('writes dates, and what is none as it is', () => {
  expect(dateInWords('2025-11-21T14:03:59Z')).toBe('21 November 2025, 14:03 UTC');
  expect(dateInWords('yesterday')).toBe('yesterday');
});
