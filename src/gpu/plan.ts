/**
 * Memory planning: which transient blocks and images of a program share a buffer or texture. As in register allocation, what has
 * a live range of its own may stand where another's has ended.
 */
import { type Command, touched } from './commands.ts';
import { ALIGNMENT_BYTES, Block, Image, type Memory, roundUp } from './memory.ts';

/** The first and the last command that touch some memory. */
interface LiveRange {
  first: number;
  last: number;
}

const ALWAYS: LiveRange = { first: Number.NEGATIVE_INFINITY, last: Number.POSITIVE_INFINITY };

/** Live ranges of what has no memory yet; those of `kept` blocks are without end, for programs are replayed. */
function liveRanges(commands: readonly Command[], kept: ReadonlySet<Memory>): Map<Memory, LiveRange> {
  const ranges = new Map<Memory, LiveRange>();
  commands.forEach((command, i) => {
    for (const memory of touched(command)) {
      if (memory.gpu) continue;
      const first = ranges.get(memory)?.first ?? i;
      ranges.set(memory, kept.has(memory) ? ALWAYS : { first, last: i });
    }
  });
  return ranges;
}

const interfere = (a: LiveRange, b: LiveRange): boolean => a.first <= b.last && b.first <= a.last;

/** Whether memory fits where the larger or equal `other` does: textures are of exactly one size. */
const fits = (memory: Memory, other: Memory): boolean =>
  memory instanceof Image && other instanceof Image
    ? memory.width === other.width && memory.height === other.height && memory.format === other.format
    : memory instanceof Block && other instanceof Block;

const allocationFor = (memory: Memory): Memory =>
  memory instanceof Image
    ? new Image(memory.width, memory.height, memory.format)
    : new Block(roundUp(memory.sizeBytes, ALIGNMENT_BYTES), memory.label);

/**
 * The allocation of all that commands touch and has no memory yet, by greedy first fit, the largest placed first. `kept` blocks
 * share theirs with none.
 */
export function planMemory(commands: readonly Command[], kept: ReadonlySet<Memory>): Map<Memory, Memory> {
  const plan = new Map<Memory, Memory>();
  const occupied: { allocation: Memory; ranges: LiveRange[] }[] = [];
  const largestFirst = [...liveRanges(commands, kept)].sort(([a], [b]) => b.sizeBytes - a.sizeBytes);
  for (const [memory, range] of largestFirst) {
    const isFree = (ranges: LiveRange[]): boolean => !ranges.some((other) => interfere(range, other));
    let place = occupied.find(({ allocation, ranges }) => fits(memory, allocation) && isFree(ranges));
    if (!place) occupied.push((place = { allocation: allocationFor(memory), ranges: [] }));
    place.ranges.push(range);
    plan.set(memory, place.allocation);
  }
  return plan;
}
