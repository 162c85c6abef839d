import { describe, expect, it } from 'vitest';
import { Block, Image, type View } from '../../src/gpu/memory.ts';
import type { Pipeline } from '../../src/gpu/pipeline.ts';
import { type Command, layOut, touched } from '../../src/gpu/recorder.ts';
import { threefry } from '../../src/tensor/random.ts';

const block = (label: string, sizeBytes = 1024): Block => new Block(sizeBytes, label);
const view = (of: Block): View => ({ block: of, offsetBytes: 0, sizeBytes: of.sizeBytes });
const dispatch = (...blocks: Block[]): Command => ({
  kind: 'dispatch',
  pipeline: {} as Pipeline,
  resources: blocks.map(view),
  grid: [1, 1, 1],
});
const copy = (from: Block, to: Block): Command => ({ kind: 'copy', from: view(from), to: view(to) });
const clear = (of: Block): Command => ({ kind: 'clear', view: view(of) });

/** Commands that use one block after the other: each reads the one before. */
const chain = (blocks: readonly Block[]): Command[] => blocks.slice(1).map((to, i) => dispatch(blocks[i], to));

describe('layOut', () => {
  it('runs a chain of any length in two slots', () => {
    const blocks = Array.from({ length: 20 }, (_, i) => block(`${i}`));
    const { slots, slotOf } = layOut(chain(blocks), new Set());
    expect(slots).toEqual([1024, 1024]);
    expect(blocks.map((one) => slotOf.get(one))).toEqual(blocks.map((_, i) => i % 2));
  });

  it('keeps apart what one command reads and writes, also in copies and at the ends of lives', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((label) => block(label));
    const { slotOf } = layOut([clear(a), copy(a, b), dispatch(b, c)], new Set());
    expect(slotOf.get(a)).not.toBe(slotOf.get(b));
    expect(slotOf.get(b)).not.toBe(slotOf.get(c));
    expect(slotOf.get(a)).toBe(slotOf.get(c));
  });

  it('gives a block that is kept a slot of its own, whenever it is made', () => {
    const blocks = Array.from({ length: 9 }, (_, i) => block(`${i}`));
    const { slots, slotOf } = layOut(chain(blocks), new Set([blocks[0], blocks[8]]));
    expect(slots).toHaveLength(4); // the two, and two that take turns
    for (const kept of [blocks[0], blocks[8]]) {
      expect(blocks.filter((other) => slotOf.get(other) === slotOf.get(kept))).toEqual([kept]);
    }
  });

  it('leaves alone what has memory already, and what no command uses', () => {
    const [own, used, unused] = ['own', 'used', 'unused'].map((label) => block(label));
    own.gpu = {} as GPUBuffer;
    const { slotOf } = layOut([dispatch(own, used)], new Set([own, unused]));
    expect([...slotOf.keys()]).toEqual([used]);
  });

  it('rounds slots up to the alignment of bindings, and puts small blocks into large slots', () => {
    const [large, middle, small] = [block('large', 1000), block('middle', 4), block('small', 300)];
    const { slots, slotOf } = layOut(chain([large, middle, small]), new Set());
    expect(slots).toEqual([1024, 256]);
    expect(slotOf.get(small)).toBe(slotOf.get(large));
  });

  it('is empty for an empty program', () => {
    expect(layOut([], new Set())).toEqual({ slots: [], slotOf: new Map(), pictures: [], pictureOf: new Map() });
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

/** Runs a program on slots that remember whose numbers they hold, and calls `lost` when a block finds another's. */
function simulate(commands: readonly Command[], slotOf: Map<Block, number>, lost: (block: Block) => void): void {
  const holder: Block[] = [];
  const begun = new Set<Block>();
  for (const command of commands) {
    const used = new Set(touched(command) as Block[]);
    for (const one of used) if (begun.has(one) && holder[slotOf.get(one)!] !== one) lost(one);
    for (const one of used) {
      begun.add(one);
      holder[slotOf.get(one)!] = one;
    }
    for (const one of used) if (holder[slotOf.get(one)!] !== one) lost(one); // two of one command in one slot
  }
}

it('random programs: no block ever finds the numbers of another in its slot', () => {
  for (let seed = 0; seed < 500; seed++) {
    const { commands, kept } = randomProgram(seed);
    const { slots, slotOf } = layOut(commands, kept);
    // programs are replayed: what is kept counts as used before and after
    const reads = [...kept].filter((one) => slotOf.has(one)).map((one) => dispatch(one));
    simulate([...reads, ...commands, ...reads], slotOf, ({ label }) => expect.fail(`seed ${seed}: block ${label}`));
    for (const [{ sizeBytes: needed }, slot] of slotOf) expect(slots[slot]).toBeGreaterThanOrEqual(needed);
    const used = new Set(commands.flatMap(touched));
    expect(new Set(slotOf.keys())).toEqual(used);
    expect(slots.length).toBeLessThanOrEqual(used.size);
  }
});

it('the simulation notices a slot that two living blocks share', () => {
  const [a, b] = [block('a'), block('b')];
  const shared = new Map([a, b].map((one) => [one, 0]));
  const found: string[] = [];
  simulate([clear(a), clear(b), dispatch(a)], shared, ({ label }) => found.push(label));
  expect(found).toEqual(['a']);
});

it('images of one size share a texture when their lives do not overlap, and others never', () => {
  const images = [new Image(4, 4), new Image(4, 4), new Image(4, 4), new Image(8, 2)];
  const source = block('matrix');
  const upload = (to: Image): Command => ({ kind: 'upload', from: view(source), to });
  const use = (...resources: Image[]): Command => ({
    kind: 'dispatch',
    pipeline: {} as Pipeline,
    resources,
    grid: [1, 1, 1],
  });
  const commands = [
    upload(images[0]),
    upload(images[1]),
    use(images[0], images[1]),
    upload(images[2]),
    upload(images[3]),
    use(images[2], images[3]),
  ];
  const { pictures, pictureOf } = layOut(commands, new Set());
  expect(pictures).toHaveLength(3);
  expect(pictureOf.get(images[0])).not.toBe(pictureOf.get(images[1]));
  expect([pictureOf.get(images[0]), pictureOf.get(images[1])]).toContain(pictureOf.get(images[2]));
  expect(pictures[pictureOf.get(images[3])!]).toMatchObject({ width: 8, height: 2 });
});
