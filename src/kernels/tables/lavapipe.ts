import type { TuningTable } from '../../tensor/tuning/table.ts';

/**
 * Where another point than the preferred one won, and by how much: shapes of tiny, nano and llama, training and decoding, on
 * Mesa 25.0.7 (LLVM 15), two cores. The other 84 of 91 kernels and shape classes stay with the preference, all products of
 * nano among them. Products of at most half a million multiply-adds do not earn the copies into images.
 */
export const lavapipe: TuningTable = {
  'matmul NN M=256 N=32 K=64': 'LANES=1 IMAGE=0 MATRIX=0 TM=32 TN=32', // 16%
  'matmul NT M=256 N=32 K=32': 'LANES=1 IMAGE=0 MATRIX=0 TM=8 TN=32', // 158%
  'matmul NT M=256 N=32 K=64': 'LANES=1 IMAGE=0 MATRIX=0 TM=32 TN=32', // 35%
  'matmul TN M=32 N=32 K=256': 'LANES=1 IMAGE=0 MATRIX=0 TM=32 TN=32', // 86%
  'matmul TN M=32 N=64 K=256': 'LANES=1 IMAGE=0 MATRIX=0 TM=32 TN=32', // 45%
  'matmul TN M=64 N=32 K=256': 'LANES=1 IMAGE=0 MATRIX=0 TM=32 TN=32', // 35%
  'matmul_residual NN M=256 N=32 K=32': 'LANES=1 IMAGE=0 MATRIX=0 TM=32 TN=32', // 56%
};
