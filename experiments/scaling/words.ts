/** How the scaling experiment writes its figures. */
import type { Band } from './bootstrap.ts';

/** 2e+12 -> "2e12". */
export const operations = (value: number): string => Number(value.toPrecision(3)).toExponential().replace('+', '');

/** "0.48 (0.41 to 0.55)". */
export const withBand = (value: number, band: Band | null | undefined, digits = 2): string =>
  `${value.toFixed(digits)}${band ? ` (${band[0].toFixed(digits)} to ${band[1].toFixed(digits)})` : ''}`;
