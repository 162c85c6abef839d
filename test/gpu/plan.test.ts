import { describe, expect, it } from 'vitest';
import { type Command, touched } from '../../src/gpu/commands.ts';
import { Block, Image, type Memory, viewOf } from '../../src/gpu/memory.ts';
import type { Pipeline } from '../../src/gpu/pipeline.ts';
import { planMemory } from '../../src/gpu/plan.ts';
import { threefry } from '../../src/tensor/random.ts';

const block = (label: string, sizeBytes = 1024): Block => new Block(sizeBytes, label);
const dispatch = (...memories: Memory[]): Command => ({
  kind: 'dispatch',
  pipeline: {} as Pipeline,
  resources: memories.map((memory) => (memory instanceof Block ? viewOf(memory) : memory)),
  grid: [1, 1, 1],
});
const copy = (from: Block, to: Block): Command => ({ kind: 'copy', from: viewOf(from), to: viewOf(to) });
const clear = (of: Block): Command => ({ kind: 'clear', to: viewOf(of) });

/** Bytes of each allocation of a plan. */
const sizesOf = (plan: Map<Memory, Memory>): number[] => [...new Set(plan.values())].map(({ sizeBytes }) => sizeBytes);

/** Commands that use one block after the other: each reads the one before. */
const chain = (blocks: readonly Block[]): Command[] => blocks.slice(1).map((to, i) => dispatch(blocks[i], to));

describe('the plan of memory', () => {
  it('runs a chain of any length in two allocations', () => {
    const blocks = Array.from({ length: 20 }, (_, i) => block(`${i}`));
    const plan = planMemory(chain(blocks), new Set());
    expect(sizesOf(plan)).toEqual([1024, 1024]);
    for (const [i, one] of blocks.entries()) expect(plan.get(one)).toBe(plan.get(blocks[i % 2]));
  });

  it('keeps apart what one command reads and writes, also in copies and at the ends of live ranges', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((label) => block(label));
    const plan = planMemory([clear(a), copy(a, b), dispatch(b, c)], new Set());
    expect(plan.get(a)).not.toBe(plan.get(b));
    expect(plan.get(b)).not.toBe(plan.get(c));
    expect(plan.get(a)).toBe(plan.get(c));
  });

  it('gives a block that is kept an allocation of its own, whenever it is made', () => {
    const blocks = Array.from({ length: 9 }, (_, i) => block(`${i}`));
    const plan = planMemory(chain(blocks), new Set([blocks[0], blocks[8]]));
    expect(sizesOf(plan)).toHaveLength(4); // the two, and two that take turns
    for (const kept of [blocks[0], blocks[8]]) {
      expect(blocks.filter((other) => plan.get(other) === plan.get(kept))).toEqual([kept]);
    }
  });

  it('leaves alone what has memory already, and what no command uses', () => {
    const [own, used, unused] = ['own', 'used', 'unused'].map((label) => block(label));
    own.gpu = {} as GPUBuffer;
    const plan = planMemory([dispatch(own, used)], new Set([own, unused]));
    expect([...plan.keys()]).toEqual([used]);
  });

  it('rounds sizes up to the alignment of bindings, and puts small blocks where large ones were', () => {
    const [large, middle, small] = [block('large', 1000), block('middle', 4), block('small', 300)];
    const plan = planMemory(chain([large, middle, small]), new Set());
    expect(sizesOf(plan)).toEqual([1024, 256]);
    expect(plan.get(small)).toBe(plan.get(large));
  });

  it('is empty for an empty program', () => {
    expect(planMemory([], new Set())).toEqual(new Map());
  });
});

/** A random program: `random(n)` is below n. */
function randomProgram(seed: number): { blocks: Block[]; commands: Command[]; kept: Set<Block> } {
  let draws = 0;
  const random = (below: number): number => threefry(seed, 0, draws++, 0)[0] % below;
  const blocks = Array.from({ length: 1 + random(12) }, (_, i) => block(`${i}`, 4 * (1 + random(2000))));
  const pick = (): Block => blocks[random(blocks.length)];
  const commands = Array.from({ length: random(40) }, () => {
    const kind = random(5);
    if (kind === 0) return copy(pick(), pick());
    return kind === 1 ? clear(pick()) : dispatch(...Array.from({ length: 1 + random(3) }, pick));
  });
  return { blocks, commands, kept: new Set(blocks.filter(() => random(5) === 0)) };
}

/** Runs a program on allocations that remember whose numbers they hold, and calls `lost` when a block finds another's. */
function simulate(commands: readonly Command[], plan: Map<Memory, Memory>, lost: (block: Block) => void): void {
  const holder = new Map<Memory, Block>();
  const begun = new Set<Block>();
  for (const command of commands) {
    const used = new Set(touched(command) as Block[]);
    for (const one of used) if (begun.has(one) && holder.get(plan.get(one)!) !== one) lost(one);
    for (const one of used) {
      begun.add(one);
      holder.set(plan.get(one)!, one);
    }
    for (const one of used) if (holder.get(plan.get(one)!) !== one) lost(one); // two of one command in one place
  }
}

it('random programs: no block ever finds the numbers of another in its allocation', () => {
  for (let seed = 0; seed < 500; seed++) {
    const { commands, kept } = randomProgram(seed);
    const plan = planMemory(commands, kept);
    // programs are replayed: what is kept counts as used before and after
    const reads = [...kept].filter((one) => plan.has(one)).map((one) => dispatch(one));
    simulate([...reads, ...commands, ...reads], plan, ({ label }) => expect.fail(`seed ${seed}: block ${label}`));
    for (const [memory, allocation] of plan) {
      expect(allocation.sizeBytes).toBeGreaterThanOrEqual(memory.sizeBytes);
    }
    expect(new Set(plan.keys())).toEqual(new Set(commands.flatMap(touched)));
  }
});

it('the simulation notices an allocation that two living blocks share', () => {
  const [a, b, allocation] = [block('a'), block('b'), block('shared')];
  const shared = new Map([a, b].map((one) => [one, allocation]));
  const found: string[] = [];
  simulate([clear(a), clear(b), dispatch(a)], shared, ({ label }) => found.push(label));
  expect(found).toEqual(['a']);
});

it('images of one size share a texture when their live ranges do not overlap, and others never', () => {
  const images = [new Image(4, 4), new Image(4, 4), new Image(4, 4), new Image(8, 2)];
  const source = block('matrix');
  const upload = (to: Image): Command => ({ kind: 'upload', from: viewOf(source), to });
  const commands = [
    upload(images[0]),
    upload(images[1]),
    dispatch(images[0], images[1]),
    upload(images[2]),
    upload(images[3]),
    dispatch(images[2], images[3]),
  ];
  const plan = planMemory(commands, new Set());
  const textures = images.map((image) => plan.get(image)!);
  expect(new Set(textures).size).toBe(3);
  expect(textures[0]).not.toBe(textures[1]);
  expect(textures.slice(0, 2)).toContain(textures[2]);
  expect(textures[3]).toMatchObject({ width: 8, height: 2 });
});
