import type { Command } from 'commander';
import { addClaims } from './claims.ts';
import { addKernels } from './kernels.ts';
import { addLadder } from './ladder.ts';
import { addSampleSpeed, addTrainSpeed } from './models.ts';
import { addPeers } from './peers.ts';
import { addCompare, addReport } from './report.ts';
import { addServeSpeed } from './serve.ts';
import { addStatic } from './static.ts';
import { addWgsl } from './wgsl.ts';

/** Every verb of bench is a file beside this one. */
export function addBench(program: Command): void {
  const bench = program.command('bench').description('measure speed');
  const measure = [addClaims, addKernels, addLadder, addTrainSpeed, addSampleSpeed, addServeSpeed, addPeers, addStatic];
  for (const add of [...measure, addCompare, addReport, addWgsl]) add(bench);
}
