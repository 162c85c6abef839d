import type { Command } from 'commander';
import { corpora } from '../../data/corpora.ts';
import { jsonSchemaOf } from '../schema.ts';
import { TrainConfig } from '../train/config.ts';
import { moveAside } from '../train/place.ts';
import { PRESETS } from '../train/presets.ts';
import { trainRun } from '../train/run/run.ts';
import { appraiser } from './appraise.ts';
import { asTrained, CORPUS_ARGUMENT, openCorpus } from './corpus.ts';
import { turnDial } from './dial.ts';
import { openEngine } from './engine.ts';
import { holdFolder } from './holdFolder.ts';
import { adapterOption, examples, jsonOption, number, outOption, resumeCommand, settingOptions } from './options.ts';
import { print, say } from './terminal/output.ts';
import { runInTerminal } from './terminal/trainOutput.ts';
import { ConfigFile, DEFAULT_DIAL, DEFAULT_PRESET, folderOf, planTraining, type TrainFlags } from './trainPlan.ts';
import { withCards } from './withCards.ts';

/** Of the dial: from a few seconds, or operations, upwards. */
const amount = number({ least: 1e-3 });
const depth = number({ least: 1, most: 64, whole: true });

export function addTrain(program: Command): void {
  const presets = Object.entries(PRESETS).map(([name, { about }]) => `  ${name.padEnd(6)} ${about}`);
  const verb = program
    .command('train')
    .description('train a model on a text; Ctrl-C stops it with everything saved')
    .argument('[corpus]', `${CORPUS_ARGUMENT} (default: ${corpora[0].name})`)
    .option('--preset <name>', `${Object.keys(PRESETS).join(', ')}: see below (default: ${DEFAULT_PRESET})`)
    .option('--config <file>', 'JSON with any of the settings below, under their own names: {"nLayer": 6}')
    .option('--print-schema', 'print the JSON Schema of such files, for editors, and do nothing else')
    .option(
      '--minutes <n>',
      `choose size and steps so that all is done in so many minutes (with nothing said: ${DEFAULT_DIAL.minutes})`,
      amount,
    )
    .option('--operations <n>', 'choose them for so many operations of training, such as 1e13', amount)
    .option('--depth <layers>', 'as wide as goes with so many layers, trained as long as goes with that', depth)
    .addOption(outOption('where the run is kept (default: runs/<corpus>, or with --preset runs/<corpus>-<preset>)'))
    .option('--resume', 'continue the run in the folder')
    .option('--force', 'begin anew where a run is; that one is moved to <folder>.1')
    .option('--no-autotune', 'measure no kernels before training on a GPU whose tables do not know them yet')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .optionsGroup('Settings, over those of the preset and the config file:');
  for (const option of settingOptions(TrainConfig)) verb.addOption(option);
  verb
    .addHelpText('after', `\nPresets:\n${presets.join('\n')}`)
    .addHelpText(
      'after',
      examples(
        'dawnlm train',
        'dawnlm train my.txt --minutes 10',
        'dawnlm train notes/ --preset small --tokenizer bpe:2048 --out runs/notes --n-layer 8',
      ),
    )
    .action(trainVerb);
}

async function trainVerb(given: string | undefined, flags: TrainFlags): Promise<void> {
  if (flags.printSchema) return void print(`${JSON.stringify(jsonSchemaOf(ConfigFile), undefined, 2)}\n`);
  const lock = await holdFolder(folderOf(given, flags), flags.resume);
  const plan = await planTraining(given, flags);
  if (!plan) return;
  const { given: text, replaces, dial, ...run } = plan;
  const corpus = await asTrained(await openCorpus(text), run.config);
  const { engine, adapter } = await openEngine(flags.adapter);
  const config = dial ? (await turnDial(engine, corpus, dial.by, dial.given)).config : run.config;
  if (replaces) await moveAside(lock, say); // now that all else is well
  const options = {
    ...run,
    config,
    dial: dial?.by,
    lock,
    corpus,
    engine,
    adapter,
    autotune: flags.autotune,
    appraise: appraiser(adapter),
  };
  const again = resumeCommand('train', run.folder, { given: text, adapter: flags.adapter });
  await runInTerminal((watched) => withCards(lock, () => trainRun({ ...options, ...watched })), {
    ...{ steps: config.steps, json: flags.json, again },
  });
}
