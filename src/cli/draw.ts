import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { Domain } from '../../data/domain.ts';
import { UserError } from '../errors.ts';
import { NO_FILTERS } from '../kernels/sampling/settings.ts';
import { drawableDomain } from '../tasks/domain.ts';
import { TextGenerator } from '../tasks/text/generate.ts';
import { readRunCard } from '../train/runFolder.ts';
import type { SavedRun } from '../train/savedRun.ts';
import { openRun } from './engine.ts';
import { addRunOptions, examples, number, path, type RunFlags, seedNumber } from './options.ts';
import { GrowingPicture } from './terminal/blocks.ts';
import { print, printJson, printPainted, say } from './terminal/output.ts';
import { terminalOf } from './terminal/terminal.ts';

interface DrawFlags extends RunFlags {
  out: string;
  count: number;
  complete?: string;
  temperature: number;
  seed?: number;
}

/** `dawnlm draw`. */
export function addDraw(program: Command): void {
  const verb = program
    .command('draw')
    .description('let a model of pictures, molecules or the like make some after your words, and draw them into a file')
    .argument('[words]', 'what is asked for, as the domain understands it; nothing for anything', '');
  addRunOptions(verb)
    .addOption(
      new Option('--out <file>', 'the file that is drawn, of a kind that its ending says')
        .argParser(path)
        .makeOptionMandatory(),
    )
    .option('--count <n>', 'how many', number({ least: 1, most: 256, whole: true }), 16)
    .addOption(
      new Option('--complete <file>', 'go on from what this file holds the beginning of: half a picture').argParser(
        path,
      ),
    )
    .option('--temperature <t>', '0 takes the likeliest token; 1 draws as the model says', number({ least: 0 }), 0.7)
    .option('--seed <n>', 'of the random numbers (default: a new one)', seedNumber)
    .addHelpText(
      'after',
      examples(
        'dawnlm draw --run runs/fashion "a small red boot, left" --count 16 --out boots.png',
        'dawnlm draw --run runs/fashion --complete half.png --out whole.png',
      ),
    )
    .action(draw);
}

async function draw(words: string, flags: DrawFlags): Promise<void> {
  const { domain, draw: into, pixels } = drawable(await readRunCard(flags.run), flags);
  const beginning = flags.complete === undefined ? '' : await beginningOf(domain, flags.complete);
  const prompt = domain.prompt(words) + beginning;
  const run = await openRun(flags);
  const { seed = randomInt(2 ** 32), count, temperature, out, json } = flags;
  say(`seed ${seed}`);
  const shown = pixels && !json ? new GrowingPicture(terminalOf(process.stdout), printPainted) : undefined;
  let things: string[] = [];
  for await (const written of writing(run, prompt, { seed, count, temperature })) {
    things = written.map((text) => prompt + text);
    await shown?.grow(() => pixels!(things));
  }
  await into(things);
  if (json) return void printJson({ run: flags.run, words, prompt, seed, temperature, things, file: out });
  if (pixels) shown?.draw(await pixels(things));
  print(`drawn: ${out}\n`);
}

/** The domain of a run, if its things can be drawn into the file. @throws UserError where they cannot */
const drawable = (run: Pick<SavedRun, 'dataCard'>, { run: folder, out }: DrawFlags) =>
  drawableDomain(run, out, (known) => {
    const made = `what can be is made by models of ${known.join(', ')}: npx dawnlm train ${known[0]}`;
    return new UserError(`${folder} was trained on ${run.dataCard.name}, of which nothing can be drawn; ${made}`);
  });

function beginningOf(domain: Domain, file: string): Promise<string> {
  if (domain.begin) return domain.begin(file);
  throw new UserError(`things of ${domain.name} are not gone on with from a file: leave --complete away`);
}

/** As many lines as are wanted after one prompt, without it, as they grow. @throws UserError for a prompt that leaves no room */
async function* writing(
  { model, tokenizer }: SavedRun,
  prompt: string,
  { seed, count, temperature }: { seed: number; count: number; temperature: number },
): AsyncGenerator<string[]> {
  const { blockSize } = model.config;
  const room = blockSize - tokenizer.encode(`\n${prompt}`).length;
  if (room < 1)
    throw new UserError(`the prompt leaves no room in a context of ${blockSize} tokens: give a shorter one`);
  const settings = { ...NO_FILTERS, temperature, tokens: room, stop: ['\n'], seed, count };
  for await (const { samples } of new TextGenerator({ model, tokenizer }, settings).generate(`\n${prompt}`)) {
    yield samples.map(({ text }) => text);
  }
}
