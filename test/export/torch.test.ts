import { expect, it } from 'vitest';
import { type TorchSettings, torchPrograms } from '../../src/export/torch/torch.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { GPT2, LLAMA } from './exported.ts';

/** That the programs compute what we do is what test/judges asks PyTorch. */

const SCHEDULES = ['cosine', 'linear', 'constant', 'warmup-stable-decay'] as const;
const settings = (more: Partial<TrainConfig>): TorchSettings => resolveConfig('nano', more);

/** Every style, schedule and optimizer, with and without what else the programs have parts for. */
const CASES = [GPT2, { ...GPT2, bias: true, dropout: 0.1 }, LLAMA, { ...LLAMA, dropout: 0.1 }].flatMap((model, i) =>
  SCHEDULES.flatMap((schedule, j) =>
    (['adamw', 'muon'] as const).map((optimizer) => {
      const more = {
        warmupSteps: (i + j) % 2,
        clipNorm: j % 2,
        gradientAccumulation: 1 + (i % 2),
        contextGrowth: i >> 1,
      };
      return [model, settings({ schedule, optimizer, ...more })] as const;
    }),
  ),
);

/** Names that a program gives or takes at its outermost level. */
const given = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^(?:import|from \S+ import|def|class) (.+?)(?:\(.*)?:?$|^([A-Z_]+) = /gm)]
      .flatMap(([, names, constant]) => constant ?? names.split(', '))
      .map((name) => name.replace(/^.* as /, '')),
  );

it('has no part that a run has not', async () => {
  for (const [model, config] of CASES) {
    const programs = await torchPrograms(model, config);
    expect(Object.keys(programs).sort()).toEqual(
      ['checkpoint', 'model', 'optimizer', 'train', 'windows'].map((one) => `${one}.py`),
    );
    for (const [name, text] of Object.entries(programs)) {
      expect(text, name).not.toContain('#:');
      for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
      for (const word of given(text)) {
        const uses = text.match(new RegExp(`\\b${word.replaceAll('.', '\\.')}\\b`, 'g'))!;
        const isUsed =
          uses.length > 1 || Object.entries(programs).some(([other, code]) => other !== name && code.includes(word));
        expect(isUsed, `${word} in ${name}`).toBe(true);
      }
    }
  }
});

it('writes constants as Python has them', async () => {
  const model = { ...GPT2, vocabSize: 50_000 };
  const programs = await torchPrograms(model, settings({ learningRate: 1e-7, minLearningRate: 0, beta2: 0.95 }));
  expect(programs['train.py']).toContain('\nLEARNING_RATE = 1e-7\nMIN_LEARNING_RATE = 0  # at the end\n');
  expect(programs['optimizer.py']).toContain('\nBETAS = (0.9, 0.95)\n');
  expect(programs['windows.py']).toContain('\nTOKEN = torch.int32  #');
  expect(programs['model.py']).toContain('\nVOCABULARY = 50000  # V\n');
});
