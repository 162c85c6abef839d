/** A trained model as the judges of its domain see it. */
import { extname } from 'node:path';
import { domains, findDomain } from '../../data/corpora.ts';
import type { AskedModel, Domain, Drawing } from '../../data/domain.ts';
import { UserError } from '../errors.ts';
import { Scorer } from '../model/score.ts';
import { openingTokens } from '../train/samples.ts';
import type { SavedRun } from '../train/savedRun.ts';
import { writtenUpTo } from './text/continued.ts';
import { FILLING, fill } from './text/fill.ts';

/** The domain that a run was trained on, if it was on one. */
export function domainOf({ dataCard: { name, source } }: Pick<SavedRun, 'dataCard'>): Domain | undefined {
  const domain = findDomain(name);
  return domain?.source === source ? domain : undefined;
}

/**
 * How things of the domain that a run was trained on are drawn into a file, and the domain.
 * @param refuse says, with the names of those that can be drawn, that this one's cannot
 * @throws what `refuse` makes; UserError for a file of a kind that is not drawn
 */
export function drawableDomain(
  run: Pick<SavedRun, 'dataCard'>,
  file: string,
  refuse: (drawable: readonly string[]) => Error,
): { domain: Domain; draw: (things: readonly string[]) => Promise<void>; pixels?: Drawing['pixels'] } {
  const domain = domainOf(run);
  if (!domain?.drawing) throw refuse(domains.filter(({ drawing }) => drawing).map(({ name }) => name));
  const { endings, draw, pixels } = domain.drawing;
  if (!endings.includes(extname(file).toLowerCase()))
    throw new UserError(`${file}: things of ${domain.name} are drawn as ${endings.join(' or ')}; name such a file.`);
  return { domain, draw: (things) => draw(things, file), pixels };
}

/** What a judge is given beside the model. */
export type AskedOf = Pick<AskedModel, 'parts' | 'seed' | 'quick' | 'signal' | 'say'>;

/** A run's model, to be asked for things and for how likely they are. */
export function askedModel(run: Pick<SavedRun, 'model' | 'tokenizer' | 'config'>, about: AskedOf): AskedModel {
  const { model, tokenizer, config } = run;
  const { blockSize } = model.config;
  const opened = (text: string): number[] => [...openingTokens(tokenizer), ...tokenizer.encode(text)];
  return {
    ...{ engine: model.engine, model, tokenizer, config, ...about },
    async write(prompts, { temperature = 1, seed = about.seed, tokens, stop = '\n' } = {}) {
      const ids = prompts.map(opened);
      const longest = ids.reduce((most, { length }) => Math.max(most, length), 0);
      if (longest >= blockSize) {
        throw new UserError(
          `a prompt has ${longest} tokens, which leaves no room in a context of ${blockSize}: give a shorter one`,
        );
      }
      const settings = {
        temperature,
        seed,
        signal: about.signal,
        tokens: tokens ?? blockSize - longest,
        what: 'samples',
      };
      return writtenUpTo(run, ids, [stop], settings);
    },
    fill: (holes, options = {}) =>
      fill(run, holes, {
        ...{ ...FILLING, seed: about.seed, tokens: Math.floor(blockSize / 4), signal: about.signal },
        ...options,
      }),
    async nats(texts) {
      const scorer = new Scorer(model);
      try {
        const questions = texts.map(({ prompt, text }) => ({
          prompt: opened(prompt),
          continuations: [tokenizer.encode(text)],
        }));
        return (await scorer.score(questions)).map(([{ sum }]) => -sum);
      } finally {
        scorer.dispose();
      }
    },
  };
}
