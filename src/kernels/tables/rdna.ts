import type { TuningTable } from '../../tensor/tuning/table.ts';

/**
 * For AMD's GPUs by Dawn's name of the architecture, as `dawnlm bench static --table` writes it: from what Mesa's compiler makes
 * of every point, nothing was run. An entry stands where the preferred point spills or leaves no room for 8 subgroups on a
 * SIMD, or where another is clearly denser in multiply-adds and fills the GPU as well. At the time of writing there is no such place in the
 * steps of nano, small and llama.
 */
export const rdna: Readonly<Record<string, TuningTable>> = { 'rdna-2': {}, 'rdna-3': {} };
