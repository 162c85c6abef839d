import { type Command, Option } from 'commander';
import { adapterInWords, openEngine } from '../../src/cli/engine.ts';
import { adapterOption, examples, jsonOption, number } from '../../src/cli/options.ts';
import { print, say, table } from '../../src/cli/terminal/output.ts';
import { INTERRUPTED, stopSignal } from '../../src/cli/terminal/stopSignal.ts';
import { figure } from '../../src/report/format.ts';
import { PARTS, type Part, peersOf } from '../claims/catalog.ts';
import { measureClaims } from '../claims.ts';
import { PEERS } from '../peers/catalog.ts';
import { type ClaimMeasurement, type Provenance, provenanceOf } from '../record.ts';
import { onValue, start, take } from './peers.ts';
import { percent, type ResultFlags, range, saveOption, three } from './results.ts';

interface ClaimFlags extends ResultFlags {
  work: Part[];
  rounds: number;
  seconds: number;
}

/** `dawnlm bench claims`. */
export function addClaims(bench: Command): void {
  const usual = PARTS.filter((part) => part !== 'loss');
  bench
    .command('claims')
    .description(
      'is dawnlm as fast as it should be? its ratios to other libraries and to the adapter, against thresholds',
    )
    .addOption(new Option('--work <names...>', 'these parts; loss takes minutes').choices(PARTS).default(usual))
    .option('--rounds <count>', 'turns of each library', number({ least: 1, whole: true }), 5)
    .option('--seconds <count>', 'that a library works in a turn', number({ least: 0.1 }), 2)
    .addOption(saveOption())
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm bench claims --save', 'dawnlm bench claims --work matmul --rounds 9'))
    .action(claimsVerb);
}

async function claimsVerb({ work: parts, rounds, seconds, ...flags }: ClaimFlags): Promise<void> {
  const { engine, adapter } = await openEngine(flags.adapter);
  if (flags.adapter) process.env.DAWNLM_ADAPTER = flags.adapter; // for the processes of the peers
  const wanted = peersOf(parts);
  const { present } = await start(PEERS.filter(({ name }) => wanted.has(name)));
  const origin = provenanceOf(engine, adapter);
  const signal = stopSignal();
  const options = { parts, rounds, seconds, signal, say, onValue };
  const claims: ClaimMeasurement[] = [];
  try {
    for await (const claim of measureClaims(engine, adapter, present, options)) {
      claims.push(claim);
      await take({ ...claim, ...origin, date: new Date().toISOString() }, flags);
    }
  } finally {
    await Promise.all(present.map(({ process }) => process.end()));
  }
  if (signal.aborted) process.exitCode = INTERRUPTED;
  if (!flags.json)
    print(`\n${adapterInWords(adapter)}\n${commitInWords(origin)}\n\n${table([HEADINGS, ...claims.map(cells)], 2)}`);
}

const commitInWords = ({ commit, machine }: Provenance): string =>
  `${machine.cpu}, ${machine.cores} cores${commit ? `; commit ${commit.hash.slice(0, 10)}${commit.dirty ? ' with changes' : ''}` : ''}`;

const HEADINGS = ['work', 'against', 'dawnlm', 'theirs', 'figure', 'of rounds', 'must', 'aim', 'reached', 'note'];

function cells(claim: ClaimMeasurement): string[] {
  const { row, against = '', unit, rateUnit = '', value, spread, ours, theirs, must, aim, atMost, note = '' } = claim;
  const inUnit = (number: number | undefined): string => {
    if (number === undefined) return '';
    if (unit === 'share') return percent(number);
    return `${figure(Number(number.toPrecision(2)))}${unit === 'x' ? 'x' : ''}`;
  };
  const limit = (number: number | undefined): string =>
    number === undefined ? '' : `${atMost ? '<= ' : ''}${inUnit(number)}`;
  const rates = theirs === undefined ? ['', ''] : [`${three(ours)} ${rateUnit}`, three(theirs)];
  const found = value === null ? '-' : unit === 'x' || unit === 'share' ? inUnit(value) : `${three(value)} ${unit}`;
  return [row, against, ...rates, found, spread ? range(spread) : '', limit(must), limit(aim), reached(claim), note];
}

function reached({ value, met, aimMet }: ClaimMeasurement): string {
  if (value === null) return 'no figure';
  if (aimMet) return met === null ? 'aim' : 'must, aim';
  if (met === null) return aimMet === null ? '' : 'not the aim';
  return met ? 'must' : 'NOT the must';
}
