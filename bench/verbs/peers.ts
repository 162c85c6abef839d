import { type Command, Option } from 'commander';
import { SIZES, type SizeName } from '../../src/check/workloads.ts';
import { number } from '../../src/cli/options.ts';
import { print, say, table } from '../../src/cli/terminal/output.ts';
import { stopSignal } from '../../src/cli/terminal/stopSignal.ts';
import { UsageError } from '../../src/errors.ts';
import { PEERS, type Peer } from '../peers/catalog.ts';
import { PeerProcess } from '../peers/child.ts';
import { installPeers } from '../peers/install.ts';
import { type Job, makeModelJob, nameOf, recordName, WORKS } from '../peers/job.ts';
import { comparePeers, type Entrant, type PeerFigure, type RoundOptions } from '../peers/rounds.ts';
import { type PeerRecord, provenance } from '../record.ts';
import { keep, type ResultFlags, range, three, withResults } from './results.ts';

/** How libraries take turns. */
export interface TurnFlags extends ResultFlags {
  rounds: number;
  seconds: number;
}

interface PeerFlags extends TurnFlags {
  install?: boolean;
  preset: SizeName;
  only?: string[];
  work?: string[];
}

const NAMES = PEERS.map(({ name }) => name);
const WORK_NAMES = [...new Set(WORKS.map(({ work }) => work))];

/** `dawnlm bench peers`. */
export function addPeers(bench: Command): void {
  const verb = bench
    .command('peers')
    .description('the same model and matrices in other libraries, in turns with dawnlm; absent ones are named')
    .option('--install', "fetch the libraries that npm has into dawnlm's cache folder (0.7 GB for all), and end")
    .addOption(new Option('--only <names...>', 'these libraries').choices(NAMES))
    .addOption(new Option('--work <names...>', 'this work').choices(WORK_NAMES))
    .addOption(new Option('--preset <name>', 'whose model is trained').choices(Object.keys(SIZES)).default('nano'));
  withTurns(verb, 3, 'dawnlm bench peers --install', 'dawnlm bench peers --work train --save').action(peersVerb);
}

/** The options of a verb that lets libraries take turns, for `seconds` each unless told. */
export const withTurns = (verb: Command, seconds: number, ...lines: readonly string[]): Command =>
  withResults(
    verb
      .option('--rounds <count>', 'turns of each library', number({ least: 1, whole: true }), 5)
      .option('--seconds <count>', 'that a library works in a turn', number({ least: 0.1 }), seconds),
    ...lines,
  );

async function peersVerb({ install, only, work, preset, ...flags }: PeerFlags): Promise<void> {
  const peers = PEERS.filter(({ name }) => !only || only.includes(name));
  if (install) return installVerb(peers);
  const works = WORKS.filter((each) => !work || work.includes(each.work));
  const figures: PeerFigure[] = [];
  const absent = await withPeers(peers, flags, async (present, options) => {
    const { model, dispose } = await makeModelJob(preset);
    try {
      for await (const measured of comparePeers(present, works, model, options)) {
        figures.push(measured);
        await keep(flags, recordOf(measured, preset, figures));
        if (measured.error) say(`${measured.peer} fails at ${nameOf(measured.work)}: ${measured.error}`);
      }
    } finally {
      await dispose();
    }
  });
  if (!flags.json) show(figures, absent, preset);
}

async function installVerb(peers: readonly Peer[]): Promise<void> {
  const fetched = peers.filter(({ packages }) => Object.keys(packages).length > 0);
  if (fetched.length === 0) throw new UsageError('None of these comes from npm; leave out --install');
  say(`Fetching ${fetched.map(({ name }) => name).join(', ')} ...`);
  say(`They are in ${await installPeers(fetched)}. Compare with: dawnlm bench peers`);
}

/** Starts the peers that are there, lets them work, ends them, and returns those that are absent, having said how they are had. */
export async function withPeers(
  peers: readonly Peer[],
  { adapter, rounds, seconds }: TurnFlags,
  work: (present: readonly Entrant[], options: RoundOptions) => Promise<void>,
): Promise<Peer[]> {
  if (adapter) process.env.DAWNLM_ADAPTER = adapter; // for the processes of the peers
  const found = await Promise.all(peers.map(async (peer) => ({ peer, command: await peer.find() })));
  const absent = found.filter(({ command }) => !command).map(({ peer }) => peer);
  for (const { name, how } of absent) say(`${name} is absent. It is had so: ${how}`);
  const started = found.flatMap(({ peer, command }) => (command ? [{ peer, process: new PeerProcess(command) }] : []));
  const present = started.map(({ peer, process }) => ({ ...peer, ask: (job: Job) => process.ask(job) }));
  const signal = stopSignal();
  const onValue = (peer: string, name: string, value: number, unit: string): boolean =>
    say(`${name}  ${peer}: ${three(value)} ${unit}`);
  try {
    await work(present, { rounds, seconds, onValue, signal });
  } finally {
    await Promise.all(started.map(({ process }) => process.end()));
  }
  if (signal.aborted) process.exitCode = signal.reason;
  return absent;
}

/** A figure as it is kept. `adapter` is that of the run, which dawnlm names; `runsOn` the peer's own. */
function recordOf(
  { work, adapter, values, ...measured }: PeerFigure,
  preset: SizeName,
  figures: readonly PeerFigure[],
): PeerRecord {
  const common = figures.find((each) => each.adapter)?.adapter ?? { name: 'none', software: true, driver: 'none' };
  const details = { preset, runsOn: adapter?.name ?? 'CPU' };
  return { kind: 'peer', ...measured, ...details, work: recordName(work, preset), ...provenance(common) };
}

const HEADINGS = ['work', 'peer', 'version', 'median', 'of rounds', 'unit', 'ratio', 'note'];

function show(figures: readonly PeerFigure[], absent: readonly Peer[], preset: SizeName): void {
  const rows = figures.map(({ peer, work, value, unit, spread, ratio, version = '', note = '', error }) => {
    const numbers = value === null ? ['-', '', ''] : [three(value), range(spread!), unit];
    const share = ratio === undefined ? '' : `${three(ratio, 2)}x`;
    return [recordName(work, preset), peer, version, ...numbers, share, error ? 'failed' : note];
  });
  if (rows.length > 0) print(`\n${table([HEADINGS, ...rows], 3)}`);
  for (const { name } of absent) print(`${name}: absent\n`);
}
