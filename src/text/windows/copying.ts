/**
 * Windows to learn copying from: a few tokens drawn from a batch, again and again to the window's end. Nothing but what stood before tells
 * what comes, so that heads form that look for the last such token and copy what came after it: induction heads (Olsson et al., "In-context
 * Learning and Induction Heads", 2022), which text alone teaches only after many more tokens than small models read.
 */
import { mix } from './permutation.ts';
import { type Batch, type PieceOptions, piecesOfBatch } from './windows.ts';

/** Tokens after which a window begins again: the fewest, and how many more they may be. Windows of all lengths hold a few rounds. */
const PERIOD = { least: 4, more: 16 };

/** Of the numbers that are drawn for this, and nothing else. */
const KEY = 0x636f7079;

/** Such windows, of the tokens of others: a pure function of (seed, index), as those are. */
export class CopyingWindows<B extends Batch> {
  constructor(
    private readonly windows: { batch(index: number): B },
    private readonly options: PieceOptions,
  ) {}

  batch(index: number): B {
    const batch = this.windows.batch(index);
    const tokens = batch.inputs.slice();
    for (const { start, end, key } of piecesOfBatch(index, this.options, KEY)) {
      const most = Math.max(1, Math.min(PERIOD.more, Math.floor((end - start) / 2) - PERIOD.least));
      const period = PERIOD.least + (mix(key, 0) % most);
      const drawn = Array.from({ length: period }, (_, i) => tokens[mix(key, i + 1) % tokens.length]);
      for (let at = start; at < end; at++) {
        batch.inputs[at] = drawn[(at - start) % period];
        batch.targets[at] = drawn[(at - start + 1) % period];
      }
    }
    return batch;
  }
}
