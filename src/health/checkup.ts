/** Is a run healthy? Rules over what was measured of it, causes before what follows from them. */
import { median } from 'simple-statistics';
import { exact, figure, loss, percent, plural } from '../report/format.ts';
import type { FoundCard, HealthCard } from '../report/healthCard.ts';
import { insideOf, stepsCutShort } from '../report/inside.ts';
import { forecastOf } from './curve.ts';
import type { Evidence } from './evidence.ts';
import type { Finding } from './finding.ts';
import { behindLaw, expectedOf, sizeByLaw } from './rules/expected.ts';
import { firstLoss, memorizing, targetsUnrelated, tooSmall, vocabularyTooLarge } from './rules/fit.ts';
import { batchSize, deadHeads, deadUnits, entropyCollapse, skippedSteps } from './rules/inside.ts';
import { noWarmup, rateTooHigh, rateTooLow, spikes } from './rules/rates.ts';
import { placeAmong } from './rungs.ts';

/** Judges what was measured; undefined where there is nothing to be found. Pure. */
export type Rule = (run: Evidence) => Finding | undefined;

/** All rules in the order in which causes explain, and what may follow from what they find. */
const RULES: readonly (readonly [Rule, explains: readonly string[]])[] = [
  [
    noWarmup,
    [
      'behind-the-law',
      'spikes-without-clipping',
      'rate-too-high',
      'dead-units',
      'dead-head',
      'attention-collapsed',
      'model-too-small',
    ],
  ],
  [spikes, ['behind-the-law', 'rate-too-high', 'dead-units', 'attention-collapsed']],
  [
    rateTooHigh,
    [
      'behind-the-law',
      'targets-unrelated',
      'dead-head',
      'dead-units',
      'attention-collapsed',
      'model-too-small',
      'batch-small',
    ],
  ],
  [rateTooLow, ['behind-the-law', 'targets-unrelated', 'model-too-small', 'batch-large', 'dead-head']],
  [targetsUnrelated, ['behind-the-law', 'model-too-small', 'batch-small', 'dead-head']],
  [vocabularyTooLarge, ['memorizing', 'model-too-large', 'overfitting', 'vocabulary-unseen']],
  [memorizing, ['batch-small']],
  [tooSmall, []],
  [deadHeads, []],
  [deadUnits, []],
  [entropyCollapse, []],
  [firstLoss, []],
  [skippedSteps, []],
  [batchSize, []],
  [behindLaw, []],
  [sizeByLaw, []],
];

/** What repeated and unfit text explains. A held-out part that is small explains nothing: losses on it compare, step with step. */
const DATA_EXPLAINS = ['model-too-large', 'overfitting', 'model-too-small', 'vocabulary-too-large'];
const explainedBy = ({ name, severity }: Finding): readonly string[] =>
  severity === 'problem' && name !== 'validation-small' ? DATA_EXPLAINS : [];

/** All that was found: problems of the text first, then causes with what follows from them, then notes. */
export function findingsOf(run: Evidence): FoundCard[] {
  const data = run.data.map((found) => ({ found, explains: explainedBy(found) }));
  const rest = RULES.flatMap(([rule, explains]) => {
    const found = rule(run);
    return found ? [{ found, explains }] : [];
  });
  const all: FoundCard[] = [];
  for (const { found, explains } of fold([...data, ...rest])) all.push({ ...cardOf(found), symptoms: explains });
  return all.sort((a, b) => Number(a.severity === 'note') - Number(b.severity === 'note'));
}

type Explained = { found: Finding; explains: readonly string[] };

/** Findings that an earlier one explains become its symptoms, as sentences. */
function fold(all: readonly Explained[]): { found: Finding; explains: string[] }[] {
  const kept: { found: Finding; causes: readonly string[]; explains: string[] }[] = [];
  for (const { found, explains } of all) {
    const cause = kept.find(({ causes }) => causes.includes(found.name));
    if (cause) cause.explains.push(found.sentence);
    else kept.push({ found, causes: explains, explains: [] });
  }
  return kept;
}

function cardOf({ name, severity, sentence, advice }: Finding): Omit<FoundCard, 'symptoms'> {
  const settings = Object.fromEntries(
    Object.entries(advice?.settings ?? {}).filter(([, value]) => value !== undefined),
  ) as Record<string, string | number | boolean>;
  const set = Object.keys(settings).length > 0 ? { settings } : {};
  return { name, severity, sentence, ...(advice && { advice: { sentence: advice.sentence, ...set } }) };
}

/** The whole check-up of what was measured. */
export function checkUp(run: Evidence): HealthCard {
  const findings = findingsOf(run);
  const problems = findings.filter(({ severity }) => severity === 'problem');
  const ended = run.curve.best?.value ?? run.curve.last;
  const place = run.rungs.length > 0 ? placeAmong(run, ended) : undefined;
  const verdict =
    problems.length === 0
      ? 'sound'
      : `${plural(problems.length, 'problem')}: ${problems.map(({ name }) => name.replaceAll('-', ' ')).join(', ')}`;
  return {
    line: [verdict, place].filter(Boolean).join('; '),
    findings,
    rungs: run.rungs.map(({ name, loss, bitsPerByte }) => ({ name, loss, bitsPerByte })),
    measured: measuredOf(run),
  };
}

/** What was measured, in words, whether sound or not. */
function measuredOf(run: Evidence): [string, string][] {
  const { curve, card, config, log, moved, pass } = run;
  const { best, lastValidation, norms } = curve;
  const { gain, band } = forecastOf(curve);
  const cut = stepsCutShort(log, config.clipNorm);
  const noise = insideOf(log)?.noiseScale.at(-1)?.value;
  const expected = expectedOf(run);
  const rows: [string, string | undefined | false][] = [
    ['First loss', `${loss(curve.first)}; guessing has ${loss(Math.log(card.vocabularySize))}`],
    ['Training loss at the end', `${loss(curve.last)} (batches scatter by ${loss(curve.scatter)})`],
    [
      'Held-out loss',
      best && lastValidation && `${loss(lastValidation.value)}; lowest ${loss(best.value)} at step ${exact(best.step)}`,
    ],
    [
      'By the scaling law',
      expected && `${loss(expected.loss)} (${loss(expected.low)} to ${loss(expected.high)}) for this size and length`,
    ],
    ['Twice the steps', `would bring ${loss(gain)} ± ${loss(band)}, if it goes on as in the last half`],
    [
      'Gradient norm',
      norms.length > 0 &&
        `median ${figure(median(norms.map(({ value }) => value)))}; ${percent(cut.clipped)} of the steps were clipped`,
    ],
    ['Steps skipped', cut.skipped > 0 && percent(cut.skipped)],
    [
      'Weights moved',
      moved.length > 0 &&
        `${figure(median(moved.map(({ distance }) => distance)))} times their fresh size (median of matrices)`,
    ],
    [
      'Heads add',
      pass &&
        pass.heads.length > 0 &&
        `${figure(median(pass.heads.flat().map(({ share }) => share)))} of what they read (median), entropy ${figure(median(pass.heads.flat().map(({ entropy }) => entropy)))} nats`,
    ],
    ['Gradient noise', noise !== undefined && `as large as the signal at ${exact(Math.round(noise))} tokens a batch`],
  ];
  return rows.filter((row): row is [string, string] => typeof row[1] === 'string');
}
