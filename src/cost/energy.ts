/** Energy, as well as it can be had: a counter of the processor, a reading of the GPU's driver, or what such machines take. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mean } from 'simple-statistics';
import type { Energy } from '../report/costCard.ts';

/** Reads a file or runs a program, as text; undefined where there is none or it may not be read. */
export interface Probe {
  list(folder: string): Promise<string[]>;
  read(path: string): Promise<string | undefined>;
  run(program: string, ...words: string[]): Promise<string | undefined>;
}

const nothing = (): undefined => undefined;

/** The machine itself. */
export const machineProbe: Probe = {
  list: (folder) => readdir(folder).catch(() => []),
  read: (path) => readFile(path, 'utf8').catch(nothing),
  run: (program, ...words) =>
    promisify(execFile)(program, words, { timeout: 3000 }).then(({ stdout }) => stdout, nothing),
};

const POWERCAP = '/sys/class/powercap';

/** The counters of whole processors ("intel-rapl:0", and AMD's under the same name), in microjoules. */
async function raplCounters(probe: Probe): Promise<Map<string, { microjoules: number; wraps: number }>> {
  const counters = new Map<string, { microjoules: number; wraps: number }>();
  for (const name of (await probe.list(POWERCAP)).filter((entry) => /^intel-rapl:\d+$/.test(entry))) {
    const [now, wraps] = await Promise.all(
      ['energy_uj', 'max_energy_range_uj'].map((file) => probe.read(join(POWERCAP, name, file))),
    );
    if (now !== undefined) counters.set(name, { microjoules: Number(now), wraps: Number(wraps ?? 0) });
  }
  return counters;
}

/** Watts of a GPU by its driver: NVIDIA's program, or what the kernel's hwmon says (amdgpu, i915). */
async function gpuWatts(probe: Probe): Promise<number | undefined> {
  const said = await probe.run('nvidia-smi', '--query-gpu=power.draw', '--format=csv,noheader,nounits');
  const first = Number.parseFloat(said ?? '');
  if (Number.isFinite(first)) return first;
  for (const card of (await probe.list('/sys/class/drm')).filter((name) => /^card\d+$/.test(name))) {
    const folder = `/sys/class/drm/${card}/device/hwmon`;
    for (const monitor of await probe.list(folder)) {
      for (const file of ['power1_average', 'power1_input']) {
        const microwatts = Number.parseFloat((await probe.read(join(folder, monitor, file))) ?? '');
        if (Number.isFinite(microwatts)) return microwatts / 1e6;
      }
    }
  }
  return undefined;
}

/**
 * Watts of a processor's core at work, memory and losses included, assumed and not measured: from 2 (a thread of a server) to 20 (a core of
 * a desktop at its highest clock).
 */
const CORE_WATTS = [2, 20] as const;
/** Watts of a GPU at work, from a processor's own to the largest accelerators. */
const GPU_WATTS = [10, 700] as const;
/** What counters and drivers do not see: memory, fans, losses of the power supply; and that readings are off by some percent. */
const UNSEEN = [0.95, 1.4] as const;
/** A machine's processor counter includes what others do on it; a driver's reading what the processor does not. */
const SAMPLE_EVERY_MS = 5000;

const band = (joules: number, [low, high]: readonly [number, number]) => ({
  lowJoules: low * joules,
  highJoules: high * joules,
});

/** Watches what a run takes from when it is made: reads counters at once, and a GPU's driver every few seconds. */
export class EnergyMeter {
  private readonly startedAt = performance.now();
  private readonly begun: Promise<Awaited<ReturnType<typeof raplCounters>>>;
  private readonly watts: number[] = [];
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly software: boolean,
    private readonly probe: Probe = machineProbe,
  ) {
    this.begun = software ? raplCounters(probe) : Promise.resolve(new Map());
    if (!software) this.timer = setInterval(() => void this.sample(), SAMPLE_EVERY_MS).unref();
  }

  private async sample(): Promise<void> {
    const watts = await gpuWatts(this.probe);
    if (watts === undefined) clearInterval(this.timer);
    else this.watts.push(watts);
  }

  /** The energy since the meter was made. `busyMs`: what of that a run worked, if it did not all the time. */
  async read(busyMs = performance.now() - this.startedAt): Promise<Energy> {
    const seconds = busyMs / 1000;
    if (this.software) return (await this.byCounter()) ?? byCores(seconds);
    if (this.watts.length === 0) await this.sample();
    return this.watts.length > 0 ? byDriver(mean(this.watts), this.watts.length, seconds) : byGpuClass(seconds);
  }

  /** Stops reading. */
  stop(): void {
    clearInterval(this.timer);
  }

  private async byCounter(): Promise<Energy | undefined> {
    const [before, after] = [await this.begun, await raplCounters(this.probe)];
    if (after.size === 0 || before.size === 0) return undefined;
    let joules = 0;
    for (const [name, { microjoules, wraps }] of after) {
      const passed = microjoules - (before.get(name)?.microjoules ?? microjoules);
      joules += (passed < 0 ? passed + wraps : passed) / 1e6;
    }
    const basis = `read from ${after.size === 1 ? "the processor's counter" : `${after.size} processors' counters`}, with all that ran beside it`;
    return { ...band(joules, UNSEEN), source: 'RAPL', basis };
  }
}

function byDriver(watts: number, readings: number, seconds: number): Energy {
  const basis = `the GPU's driver said ${watts.toFixed(0)} W on average of ${readings} readings; the processor beside it is not in that`;
  return { ...band(watts * seconds, [UNSEEN[0], 1.6]), source: 'GPU driver', basis };
}

const byGpuClass = (seconds: number): Energy => ({
  ...band(seconds, GPU_WATTS),
  source: 'nameplate',
  basis: `no reading of the GPU's power: ${GPU_WATTS[0]} to ${GPU_WATTS[1]} W are what GPUs take at work`,
});

function byCores(seconds: number): Energy {
  const cores = availableParallelism();
  const model = cpus()[0]?.model.trim() || 'an unknown processor';
  const basis = `no counter can be read: ${cores} ${cores === 1 ? 'core' : 'cores'} of ${model} at ${CORE_WATTS[0]} to ${CORE_WATTS[1]} W each, which is what such cores take at work`;
  return { ...band(cores * seconds, CORE_WATTS), source: 'nameplate', basis };
}

/** The energy of two stretches of one run; of unlike sources it is as good as the worse. */
export function addEnergy(a: Energy | undefined, b: Energy): Energy {
  if (!a) return b;
  const order = ['nameplate', 'GPU driver', 'RAPL'] as const;
  const worse = order.indexOf(a.source) < order.indexOf(b.source) ? a : b;
  const sums = { lowJoules: a.lowJoules + b.lowJoules, highJoules: a.highJoules + b.highJoules };
  return { ...sums, source: worse.source, basis: worse.basis };
}

/** The energy of work that is not done yet, by what the machine takes now or by its kind: no counter knows the future. */
export async function expectedEnergy(software: boolean, timeMs: number, probe: Probe = machineProbe): Promise<Energy> {
  if (software) return byCores(timeMs / 1000);
  const watts = await gpuWatts(probe);
  return watts === undefined ? byGpuClass(timeMs / 1000) : byDriver(watts, 1, timeMs / 1000);
}
