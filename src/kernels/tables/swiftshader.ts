import type { TuningTable } from '../../tensor/tuning.ts';

export const swiftshader: TuningTable = {};
