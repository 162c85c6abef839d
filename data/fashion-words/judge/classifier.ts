/** A classifier of pictures on our own engine, which says of each what its caption would: it judges what a model draws. */
import { add, scale } from '../../../src/kernels/add.ts';
import { crossEntropy } from '../../../src/kernels/loss/loss.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { RecordedPasses } from '../../../src/model/passes.ts';
import type { Engine } from '../../../src/tensor/engine.ts';
import { type ParameterSpec, Parameters } from '../../../src/tensor/parameters.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { permute } from '../../../src/text/windows/permutation.ts';
import { Stepper, type StepSettings } from '../../../src/train/stepper.ts';
import { PIXELS } from '../paint.ts';
import { KINDS, type Kind, type Said } from '../words.ts';

/** A picture as the classifier sees it, and what is true of it. */
export interface Labelled {
  /** (PIXELS) 0 to 255 */
  readonly picture: () => Uint8Array;
  readonly said: Said;
}

/** B */
const BATCH = 64;
/** Units of the two hidden layers. */
const HIDDEN = [256, 128] as const;

const settingsOf = (steps: number, seed: number): StepSettings => ({
  ...{ schedule: 'cosine', learningRate: 2e-3, minLearningRate: 2e-5, warmupSteps: Math.min(50, steps - 1), steps },
  ...{
    optimizer: 'adamw',
    muonMomentum: 0.95,
    muonFactor: 1,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weightDecay: 0.05,
  },
  ...{ clipNorm: 1, decayFraction: 0.2, seed },
});

/** Pixels through two hidden layers to the words of each kind: (B, PIXELS) -> (B, words) each. */
export class PictureClassifier {
  private readonly parameters: Parameters;
  private readonly passes: RecordedPasses<'x'>;

  /** @param sizes how many words each kind has */
  constructor(
    private readonly engine: Engine,
    private readonly sizes: Readonly<Record<Kind, number>>,
    private readonly seed: number,
  ) {
    const [first, second] = HIDDEN;
    const matrix = (name: string, rows: number, columns: number, stack?: string): ParameterSpec => ({
      ...{ name, shape: [rows, columns], init: { std: Math.sqrt(2 / columns) }, decay: true, ...(stack && { stack }) },
    });
    const bias = (name: string, size: number): ParameterSpec => ({ name, shape: [size], init: 'zeros', decay: false });
    this.parameters = new Parameters(engine, [
      ...[matrix('first', first, PIXELS), matrix('second', second, first)],
      ...KINDS.map((kind) => matrix(kind, sizes[kind], second, 'words')),
      ...[bias('first.bias', first), bias('second.bias', second)],
    ]).initialize(seed);
    this.passes = new RecordedPasses(engine, ({ x }) => this.product(this.hidden(x), 'words')); // (B, all words)
  }

  /** Learns from labelled pictures. */
  async train(pictures: readonly Labelled[], steps: number, onStep?: (step: number) => void): Promise<void> {
    const { engine, seed } = this;
    const x = engine.zeros([BATCH, PIXELS]);
    const targets = KINDS.map(() => engine.zeros([BATCH], 'u32'));
    const loss = (): Tensor => {
      const hidden = this.hidden(x); //                                                                  (B, HIDDEN[1])
      const losses = KINDS.map((kind, i) => crossEntropy({ logits: this.product(hidden, kind), targets: targets[i] }));
      return scale({ x: losses.reduce((a, b) => add({ a, b })) }, { factor: 1 / KINDS.length });
    };
    const stepper = new Stepper(
      engine,
      { parameters: [{ parameters: this.parameters }], loss },
      settingsOf(steps, seed),
    );
    for (let step = 0; step < steps; step++) {
      const batch = Array.from({ length: BATCH }, (_, i) => {
        const at = step * BATCH + i;
        return pictures[permute(at % pictures.length, pictures.length, seed + Math.floor(at / pictures.length))];
      });
      x.write(inputsOf(batch.map(({ picture }) => picture())));
      for (const [k, kind] of KINDS.entries()) targets[k].write(Uint32Array.from(batch, ({ said }) => said[kind]));
      stepper.run();
      onStep?.(step + 1);
      if (step % 16 === 15) await stepper.metrics(1); // so that the host does not run ahead of the GPU
    }
    stepper.dispose();
  }

  /** What each picture shows. */
  async classify(pictures: readonly Uint8Array[]): Promise<Said[]> {
    const said: Said[] = [];
    const width = KINDS.reduce((sum, kind) => sum + this.sizes[kind], 0);
    for (let start = 0; start < pictures.length; start += BATCH) {
      const some = pictures.slice(start, start + BATCH);
      const full = Array.from({ length: BATCH }, (_, i) => some[i % some.length]);
      const logits = await this.passes.run({ x: [inputsOf(full), [BATCH, PIXELS]] });
      for (const i of some.keys()) said.push(this.likeliest(logits.subarray(i * width, (i + 1) * width)));
    }
    return said;
  }

  dispose(): void {
    this.passes.dispose();
  }

  private likeliest(logits: Float32Array): Said {
    let start = 0;
    const found = KINDS.map((kind) => {
      const own = logits.subarray(start, (start += this.sizes[kind]));
      return [kind, own.indexOf(own.reduce((most, value) => Math.max(most, value)))] as const;
    });
    return Object.fromEntries(found) as Said;
  }

  private hidden(x: Tensor): Tensor {
    const { parameters } = this;
    const layer = (input: Tensor, name: string): Tensor =>
      matmul(
        { a: input, b: parameters.get(name), bias: parameters.get(`${name}.bias`) },
        { transposeB: true, gelu: true },
      );
    return layer(layer(x, 'first'), 'second');
  }

  private product(hidden: Tensor, name: string): Tensor {
    return matmul({ a: hidden, b: this.parameters.get(name) }, { transposeB: true });
  }
}

/** Pictures as numbers: 0 for white, 1 for none of a colour. */
function inputsOf(pictures: readonly Uint8Array[]): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(pictures.length * PIXELS);
  for (const [i, picture] of pictures.entries()) {
    for (let j = 0; j < PIXELS; j++) numbers[i * PIXELS + j] = (255 - picture[j]) / 255;
  }
  return numbers;
}
