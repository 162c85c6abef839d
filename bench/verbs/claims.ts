import { type Command, Option } from 'commander';
import { adapterInWords, openEngine } from '../../src/cli/engine.ts';
import { print, say, table } from '../../src/cli/terminal/output.ts';
import { PARTS, type Part, peersOf } from '../claims/catalog.ts';
import { measureClaims } from '../claims.ts';
import { PEERS } from '../peers/catalog.ts';
import { type ClaimMeasurement, type Provenance, provenanceOf } from '../record.ts';
import { type TurnFlags, withPeers, withTurns } from './peers.ts';
import { keep, percent, range, three } from './results.ts';

interface ClaimFlags extends TurnFlags {
  work: Part[];
}

/** `dawnlm bench claims`. */
export function addClaims(bench: Command): void {
  const usual = PARTS.filter((part) => part !== 'loss');
  const verb = bench
    .command('claims')
    .description('is dawnlm as fast as it should be? its ratios to other libraries and the adapter, against thresholds')
    .addOption(new Option('--work <names...>', 'these parts; loss takes minutes').choices(PARTS).default(usual));
  withTurns(verb, 2, 'dawnlm bench claims --save', 'dawnlm bench claims --work matmul --rounds 9').action(claimsVerb);
}

async function claimsVerb({ work: parts, ...flags }: ClaimFlags): Promise<void> {
  const { engine, adapter } = await openEngine(flags.adapter);
  const wanted = peersOf(parts);
  const origin = provenanceOf(engine, adapter);
  const claims: ClaimMeasurement[] = [];
  const peers = PEERS.filter(({ name }) => wanted.has(name));
  await withPeers(peers, flags, async (present, options) => {
    for await (const claim of measureClaims(engine, adapter, present, { ...options, parts, say })) {
      claims.push(claim);
      await keep(flags, { ...claim, ...origin, date: new Date().toISOString() });
    }
  });
  if (flags.json) return;
  print(`\n${adapterInWords(adapter)}\n${originInWords(origin)}\n\n${table([HEADINGS, ...claims.map(cells)], 2)}`);
}

const originInWords = ({ commit, machine }: Provenance): string =>
  `${machine.cpu}, ${machine.cores} cores${commit ? `; commit ${commit.hash.slice(0, 10)}${commit.dirty ? ' with changes' : ''}` : ''}`;

const HEADINGS = ['work', 'against', 'dawnlm', 'theirs', 'figure', 'of rounds', 'must', 'aim', 'reached', 'note'];

function cells(claim: ClaimMeasurement): string[] {
  const { row, against = '', unit, rateUnit = '', value, spread, ours, theirs, must, aim, atMost, note = '' } = claim;
  const inUnit = (number: number): string =>
    unit === 'share' ? percent(number) : `${three(number, 2)}${unit === 'x' ? 'x' : ''}`;
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
