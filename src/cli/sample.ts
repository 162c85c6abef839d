import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { SampleSettings } from '../kernels/sampling/settings.ts';
import { isSmallWork } from '../model/decodeStep.ts';
import { Generator } from '../model/generate.ts';
import { promptText } from '../text/chat/chatTemplate.ts';
import { readModelConfig } from '../train/runFolder.ts';
import { openingTokens } from '../train/samples.ts';
import { loadRun, type SavedRun } from '../train/savedRun.ts';
import { openEngine } from './engine.ts';
import { adapterOption, checkpointOption, examples, jsonOption, number, runOption } from './options.ts';
import { Continuation } from './terminal/continuation.ts';
import { readText } from './terminal/input.ts';
import { converse } from './terminal/interactive.ts';
import { print, printJson, say } from './terminal/output.ts';
import { type Choice, Choices, drawChoice } from './terminal/probabilities.ts';

interface SampleOptions extends SampleSettings {
  run: string;
  checkpoint: 'best' | 'last';
  prompt: string;
  tokens: number;
  stop?: string[];
  seed?: number;
  count: number;
  interactive?: boolean;
  showProbabilities?: boolean;
  adapter?: string;
  json?: boolean;
}

const share = number({ least: 0, most: 1 });

export function addSample(program: Command): void {
  program
    .command('sample')
    .description('let a trained model write')
    .addOption(runOption().makeOptionMandatory())
    .option('--prompt <text>', 'what the text begins with; - reads it from standard input', '')
    .option('--tokens <n>', 'tokens to write', number({ least: 1, whole: true }), 200)
    .option('--temperature <t>', '0 takes the likeliest token; 1 draws as the model says', number({ least: 0 }), 0.8)
    .option('--top-k <k>', 'draw from the k likeliest tokens; 0 for all', number({ least: 0, whole: true }), 0)
    .option('--top-p <p>', 'draw from the likeliest tokens with this share of the probability', share, 1)
    .option('--min-p <p>', "leave out what is below this share of the likeliest one's probability", share, 0)
    .option('--repetition-penalty <x>', 'above 1: tokens that came before are less likely', number({ least: 0.01 }), 1)
    .option('--stop <text...>', 'end before any of these texts')
    .option(
      '--seed <n>',
      'of the random numbers (default: a new one)',
      number({ least: 0, most: 2 ** 32 - 1, whole: true }),
    )
    .option('--count <n>', 'how many samples', number({ least: 1, most: 256, whole: true }), 1)
    .addOption(checkpointOption())
    .addOption(new Option('--interactive', 'ask for one prompt after the other').conflicts(['prompt', 'count', 'json']))
    .addOption(new Option('--show-probabilities', 'show what each token was drawn from').conflicts('count'))
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'dawnlm sample --run runs/moby-dick-quick --prompt "Call me" --tokens 300',
        'dawnlm sample --run runs/moby-dick-quick --prompt "The whale" --show-probabilities --tokens 10',
      ),
    )
    .action(sampleVerb);
}

async function sampleVerb(options: SampleOptions): Promise<void> {
  const smallWork = isSmallWork(await readModelConfig(options.run), options.count);
  const { engine } = await openEngine(options.adapter, { smallWork });
  const run = await loadRun(engine, options.run, options.checkpoint);
  say(`${options.run}: ${options.checkpoint} weights, after ${run.state.step} steps`);
  const writer = new Writer(run, options);
  if (options.interactive) return converse((prompt, stopped) => writer.stream(prompt, stopped));
  const prompt = options.prompt === '-' ? await readText('-') : options.prompt;
  if (options.count > 1 || options.json) await writer.batch(prompt);
  else await writer.stream(prompt);
}

/** Writes samples of one run to standard output. */
class Writer {
  private readonly generator: Generator;
  private readonly settings: SampleSettings;
  private seed: number;

  constructor(
    private readonly run: SavedRun,
    private readonly options: SampleOptions,
  ) {
    const { temperature, topK, topP, minP, repetitionPenalty, count, seed } = options;
    this.generator = new Generator(run.model, count);
    this.settings = { temperature, topK, topP, minP, repetitionPenalty };
    this.seed = seed ?? randomInt(2 ** 32);
    say(`seed ${this.seed}`);
  }

  /** One sample, as it is written; with probabilities, step by step. The next call has the next seed. */
  async stream(prompt: string, stopped: () => boolean = () => false): Promise<void> {
    const ids = this.encode(prompt);
    const written = this.continuation();
    const choices = this.options.showProbabilities && new Choices(this.run.tokenizer, this.settings, ids);
    if (!choices) print(this.shown(prompt));
    for await (const { tokens, logits } of this.generate(ids)) {
      const text = written.push(tokens[0]);
      print(choices ? drawChoice(written.tokens, choices.next(tokens[0], logits!)) : text);
      if (written.stopped || stopped()) break;
    }
    const rest = written.end();
    print(choices ? `\n${this.shown(prompt)}${written.text}\n` : `${rest}\n`);
    this.seed = (this.seed + 1) % 2 ** 32;
  }

  /** All samples at once, each shown whole. */
  async batch(prompt: string): Promise<void> {
    const { count, json, showProbabilities } = this.options;
    const ids = this.encode(prompt);
    const samples = Array.from({ length: count }, () => this.continuation());
    const choices = showProbabilities && new Choices(this.run.tokenizer, this.settings, ids);
    const steps: Choice[] = [];
    for await (const { tokens, logits } of this.generate(ids)) {
      for (const [b, sample] of samples.entries()) sample.push(tokens[b]);
      if (choices) steps.push(choices.next(tokens[0], logits!));
      if (samples.every(({ stopped }) => stopped)) break;
    }
    for (const [i, sample] of samples.entries()) {
      sample.end();
      const { text, tokens } = sample;
      const facts = { prompt, text, tokens, seed: this.seed, settings: this.settings };
      if (json) printJson(choices ? { ...facts, steps } : facts);
      else print(`${i > 0 ? SEPARATOR : ''}${this.shown(prompt)}${text}\n`);
    }
  }

  private generate(ids: readonly number[]) {
    const { count, tokens, showProbabilities = false } = this.options;
    const prompts = Array.from({ length: count }, () => ids);
    return this.generator.generate(prompts, { ...this.settings, tokens, seed: this.seed }, showProbabilities);
  }

  /** What stands before the text: of a run that was tuned on answers, the prompt as it was put to it. */
  private shown(prompt: string): string {
    const { tunedFrom } = this.run;
    return tunedFrom?.chat && prompt !== '' ? promptText(tunedFrom.chat, prompt) : prompt;
  }

  private encode(prompt: string): number[] {
    const { tokenizer } = this.run;
    if (prompt === '') return openingTokens(tokenizer);
    return tokenizer.encode(this.shown(prompt));
  }

  private continuation(): Continuation {
    const end = this.run.tunedFrom?.chat?.after;
    return new Continuation(this.run.tokenizer, [...(this.options.stop ?? []), ...(end ? [end] : [])]);
  }
}

const SEPARATOR = `${'-'.repeat(40)}\n`;
