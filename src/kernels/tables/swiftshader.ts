import type { TuningTable } from '../../tensor/tuning/table.ts';

/**
 * Nothing beats the preferred points here: the 28 kernels and shape classes that take the most time in training tiny and
 * nano were measured on SwiftShader 5.0.0, two cores.
 */
export const swiftshader: TuningTable = {};
