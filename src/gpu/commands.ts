import { type Image, type Memory, memoryOf, type Resource, type View } from './memory.ts';
import type { Pipeline } from './pipeline.ts';

/** One compute dispatch. `resources` stand in binding order. */
export interface Dispatch {
  kind: 'dispatch';
  pipeline: Pipeline;
  resources: readonly Resource[];
  grid: readonly [number, number, number];
  /** What of a model it is for, where somebody said so (see Device.part): for profiles. */
  part?: string;
}

/** What is done without a kernel. */
export type Transfer =
  | { kind: 'copy'; from: View; to: View }
  | { kind: 'clear'; to: View }
  /** Fills an image from a matrix whose rows have a multiple of 256 bytes. */
  | { kind: 'upload'; from: View; to: Image };

export type Command = Dispatch | Transfer;

function resourcesOf(command: Command): readonly Resource[] {
  if (command.kind === 'dispatch') return command.resources;
  return command.kind === 'clear' ? [command.to] : [command.from, command.to];
}

/** The memory that a command reads or writes. */
export const touched = (command: Command): Memory[] => resourcesOf(command).map(memoryOf);

/** The memory that a command writes. */
export function written(command: Command): Memory[] {
  if (command.kind !== 'dispatch') return [memoryOf(command.to)];
  const { resources, pipeline } = command;
  return resources.filter((_, i) => pipeline.bindings[i].endsWith('write')).map(memoryOf);
}
