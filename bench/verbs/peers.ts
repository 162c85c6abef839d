import { type Command, Option } from 'commander';
import { SIZES, type SizeName } from '../../src/check/workloads.ts';
import { adapterOption, examples, jsonOption, number } from '../../src/cli/options.ts';
import { print, printJson, say, table } from '../../src/cli/terminal/output.ts';
import { INTERRUPTED, stopSignal } from '../../src/cli/terminal/stopSignal.ts';
import { UsageError } from '../../src/errors.ts';
import { figure } from '../../src/report/format.ts';
import { PEERS, type Peer } from '../peers/catalog.ts';
import { PeerProcess } from '../peers/child.ts';
import { installPeers } from '../peers/install.ts';
import { type Job, makeModelJob, nameOf, recordName, WORKS, type Work } from '../peers/job.ts';
import { comparePeers, type Entrant, type PeerFigure } from '../peers/rounds.ts';
import { appendRecords, type ClaimRecord, type PeerRecord, provenance } from '../record.ts';
import { type ResultFlags, range, savedTo, saveOption, three } from './results.ts';

interface PeerFlags extends ResultFlags {
  install?: boolean;
  preset: SizeName;
  only?: string[];
  work?: string[];
  rounds: number;
  seconds: number;
}

const NAMES = PEERS.map(({ name }) => name);
const WORK_NAMES = [...new Set(WORKS.map(({ work }) => work))];

/** `dawnlm bench peers`. */
export function addPeers(bench: Command): void {
  bench
    .command('peers')
    .description('the same model and matrices in other libraries, in turns with dawnlm; absent ones are named')
    .option('--install', "fetch the libraries that npm has into dawnlm's cache folder (0.7 GB for all), and end")
    .addOption(new Option('--only <names...>', 'these libraries').choices(NAMES))
    .addOption(new Option('--work <names...>', 'this work').choices(WORK_NAMES))
    .addOption(new Option('--preset <name>', 'whose model is trained').choices(Object.keys(SIZES)).default('nano'))
    .option('--rounds <count>', 'turns of each library', number({ least: 1, whole: true }), 5)
    .option('--seconds <count>', 'that a library works in a turn', number({ least: 0.1 }), 3)
    .addOption(saveOption())
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm bench peers --install', 'dawnlm bench peers --work train --save'))
    .action(peersVerb);
}

async function peersVerb({ install, only, work, ...flags }: PeerFlags): Promise<void> {
  const peers = PEERS.filter(({ name }) => !only || only.includes(name));
  if (install) return installVerb(peers);
  const works = WORKS.filter((each) => !work || work.includes(each.work));
  if (flags.adapter) process.env.DAWNLM_ADAPTER = flags.adapter; // for the processes of the peers
  const { present, absent } = await start(peers);
  try {
    await compareAndShow(present, absent, works, flags);
  } finally {
    await Promise.all(present.map(({ process }) => process.end()));
  }
}

async function installVerb(peers: readonly Peer[]): Promise<void> {
  const fetched = peers.filter(({ packages }) => Object.keys(packages).length > 0);
  if (fetched.length === 0) throw new UsageError('None of these comes from npm; leave out --install');
  say(`Fetching ${fetched.map(({ name }) => name).join(', ')} ...`);
  say(`They are in ${await installPeers(fetched)}. Compare with: dawnlm bench peers`);
}

/** Tells a figure as it comes. */
export const onValue = (peer: string, name: string, value: number, unit: string): boolean =>
  say(`${name}  ${peer}: ${three(value)} ${unit}`);

export type Started = Entrant & { process: PeerProcess };

/** Starts the peers that are there, and says which are not and how they are had. */
export async function start(peers: readonly Peer[]): Promise<{ present: Started[]; absent: Peer[] }> {
  const found = await Promise.all(peers.map(async (peer) => ({ peer, command: await peer.find() })));
  const absent = found.filter(({ command }) => !command).map(({ peer }) => peer);
  for (const { name, how } of absent) say(`${name} is absent. It is had so: ${how}`);
  const present = found.flatMap(({ peer: { name, works }, command }) => {
    if (!command) return [];
    const process = new PeerProcess(command);
    return [{ name, works, process, ask: (job: Job) => process.ask(job) }];
  });
  return { present, absent };
}

async function compareAndShow(
  present: readonly Started[],
  absent: readonly Peer[],
  works: readonly Work[],
  { preset, rounds, seconds, ...flags }: PeerFlags,
): Promise<void> {
  const { model, dispose } = await makeModelJob(preset);
  const signal = stopSignal();
  const figures: PeerFigure[] = [];
  try {
    for await (const measured of comparePeers(present, works, model, { rounds, seconds, onValue, signal })) {
      figures.push(measured);
      await take(recordOf(measured, preset, figures), flags);
      if (measured.error) say(`${measured.peer} fails at ${nameOf(measured.work)}: ${measured.error}`);
    }
  } finally {
    await dispose();
  }
  if (signal.aborted) process.exitCode = INTERRUPTED;
  if (!flags.json) show(figures, absent, preset);
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

/** Prints and keeps a record of other libraries. */
export async function take(record: PeerRecord | ClaimRecord, flags: ResultFlags): Promise<void> {
  if (flags.json) printJson(record);
  const file = savedTo(flags);
  if (file) await appendRecords(file, [record]);
}

const HEADINGS = ['work', 'peer', 'version', 'median', 'of rounds', 'unit', 'ratio', 'note'];

function show(figures: readonly PeerFigure[], absent: readonly Peer[], preset: SizeName): void {
  const rows = figures.map(({ peer, work, value, unit, spread, ratio, version = '', note = '', error }) => {
    const numbers = value === null ? ['-', '', ''] : [three(value), range(spread!), unit];
    const share = ratio === undefined ? '' : `${figure(Number(ratio.toPrecision(2)))}x`;
    return [recordName(work, preset), peer, version, ...numbers, share, error ? 'failed' : note];
  });
  if (rows.length > 0) print(`\n${table([HEADINGS, ...rows], 3)}`);
  for (const { name } of absent) print(`${name}: absent\n`);
}
