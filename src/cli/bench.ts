import type { Command } from 'commander';
import { addClaims } from './bench/claims.ts';
import { addKernels } from './bench/kernels.ts';
import { addLadder } from './bench/ladder.ts';
import { addSampleSpeed, addTrainSpeed } from './bench/models.ts';
import { addPeers } from './bench/peers.ts';
import { addCompare, addReport } from './bench/report.ts';
import { addStatic } from './bench/static.ts';

/** Every verb of bench is a file in bench/. */
export function addBench(program: Command): void {
  const bench = program.command('bench').description('measure speed');
  for (const add of [
    addClaims,
    addKernels,
    addLadder,
    addTrainSpeed,
    addSampleSpeed,
    addPeers,
    addStatic,
    addCompare,
    addReport,
  ])
    add(bench);
}
