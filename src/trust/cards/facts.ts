/** What is known of a run, gathered from its folder: the one source of every sentence of a card. */
import { basename, resolve } from 'node:path';
import { type Corpus, findCorpus, findTaskSet } from '../../../data/corpora.ts';
import type { TaskSet } from '../../../data/recipe.ts';
import type { ModelConfig } from '../../model/config.ts';
import { parameterSpecs } from '../../model/parameters.ts';
import { styleOf } from '../../model/styles.ts';
import type { LogRecord } from '../../report/logRecord.ts';
import type { AuditCard } from '../../report/trust/audit.ts';
import type { TrustCard } from '../../report/trust/card.ts';
import { readTunedCard, type TunedCard, type TunedTask, tunedTaskOf } from '../../tasks/folder.ts';
import { sizeOf } from '../../tensor/shape.ts';
import { type BaseLink, type RunCard, readLog, readModelConfig, readRunCard } from '../../train/runFolder.ts';
import { auditOf } from './audited.ts';
import { trustOf } from './questioned.ts';

interface CommonFacts {
  readonly folder: string;
  /** The folder's own name. */
  readonly name: string;
  readonly model: ModelConfig;
  readonly parameters: number;
  /** The text or set, where it is a known one. */
  readonly known?: Corpus | TaskSet;
  /** What the data is called, and where it comes from, without the folders in which a user keeps it. */
  readonly data: { readonly name: string; readonly source: string; readonly licence: string };
  /** What was found when its data was looked through. */
  readonly audit?: AuditCard;
  /** What was found when it was questioned. */
  readonly trust?: TrustCard;
  /** The run that it was tuned from. */
  readonly base?: { readonly name: string; readonly method: string } & Pick<BaseLink, 'checkpoint' | 'sha256'>;
}

/** Of a run that writes text. */
export interface TextFacts extends CommonFacts {
  readonly task: 'text';
  readonly card: RunCard;
  readonly log: readonly LogRecord[];
}

/** Of a run that was tuned to labels. */
export interface LabelFacts extends CommonFacts {
  readonly task: TunedTask;
  readonly card: TunedCard;
}

export type CardFacts = TextFacts | LabelFacts;

/** @throws UserError when the folder holds no run, or a damaged one */
export async function factsOf(folder: string): Promise<CardFacts> {
  const task = await tunedTaskOf(folder);
  const model = await readModelConfig(folder);
  const parameters = parameterSpecs(model, styleOf(model)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const common = { folder, name: basename(resolve(folder)), model, parameters, trust: await trustOf(folder) };
  return task ? labelFacts(await readTunedCard(folder, task), common) : textFacts(await readRunCard(folder), common);
}

type Common = Pick<CommonFacts, 'folder' | 'name' | 'model' | 'parameters' | 'trust'>;

async function textFacts(card: RunCard, common: Common): Promise<TextFacts> {
  const { tunedFrom, dataCard } = card;
  const base = tunedFrom && baseOf(tunedFrom, tunedFrom.method);
  const known = findCorpus(dataCard.name);
  const log = await readLog(common.folder);
  const from = origin(dataCard, known);
  const audit = await auditOf(common.folder, [dataCard.sha256, from.known?.sha256]);
  return { ...common, task: 'text', card, base, ...from, audit, log };
}

function labelFacts(card: TunedCard, { parameters, ...common }: Common): LabelFacts {
  const { task, base, method, dataCard, labels } = card;
  const head = (common.model.nEmbd + 1) * labels.length;
  const known = findTaskSet(dataCard.name);
  const whole = { ...common, parameters: parameters + head };
  return { ...whole, task, card, base: baseOf(base, method), ...origin(dataCard, known) };
}

const baseOf = ({ folder, checkpoint, sha256 }: BaseLink, method: string): CommonFacts['base'] => ({
  ...{ name: lastPart(folder), method, checkpoint, sha256 },
});

/** A user's own file is called by its name alone: where it lies is nobody else's business. */
function origin(
  { name, source, licence }: CommonFacts['data'],
  found: Corpus | TaskSet | undefined,
): Pick<CommonFacts, 'known' | 'data'> {
  const known = found?.source === source ? found : undefined;
  return { known, data: { name: known ? name : lastPart(name), source: known ? source : lastPart(source), licence } };
}

/** Of a path as any system writes it. */
const lastPart = (path: string): string =>
  path
    .split(/[\\/]/)
    .filter((part) => part && part !== '..')
    .at(-1) ?? path;

/** Steps that were taken, tokens that were seen and time that passed, as the log has them; undefined of a run without one. */
export function progressOf(facts: CardFacts): { steps: number; tokens?: number; timeMs?: number } | undefined {
  if (facts.task !== 'text') {
    const { best, history } = facts.card.settings;
    const step = history?.at(-1)?.step ?? best?.step;
    return step === undefined ? undefined : { steps: step };
  }
  if (facts.log.length === 0) return undefined;
  const most = (of: (record: LogRecord) => number): number => facts.log.reduce((so, one) => Math.max(so, of(one)), 0);
  return { steps: most(({ step }) => step), tokens: most((one) => one.tokens), timeMs: most((one) => one.timeMs) };
}

/** Packages that the data was made of, with their versions; none of a user's own. */
export function packagesOf({ known }: Pick<CardFacts, 'known'>): { name: string; version: string; file?: string }[] {
  if (!known) return [];
  if ('packages' in known) return known.packages.map(({ name, version }) => ({ name, version }));
  const [, name = known.npmPackage, version = ''] = /^npm (\S+) ([^\s,]+)/.exec(known.source) ?? [];
  return [{ name, version, file: known.file }];
}

/** Where people read about a package. */
export const packagePage = ({ name, version }: { name: string; version: string }): string =>
  `https://www.npmjs.com/package/${name}/v/${version}`;
