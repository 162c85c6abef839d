import { expect, it } from 'vitest';
import { addEnergy, EnergyMeter, expectedEnergy, type Probe } from '../../src/cost/energy.ts';
import { moneyOf } from '../../src/cost/money.ts';
import { energyInWords, gramsOfCarbon } from '../../src/report/costWords.ts';

/** A machine that has these files and says this of its GPU. */
const machine = (files: Record<string, string>, gpu?: string): Probe => ({
  list: async (folder) => [
    ...new Set(
      Object.keys(files).flatMap((path) =>
        path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).split('/')[0] : [],
      ),
    ),
  ],
  read: async (path) => files[path],
  run: async () => gpu,
});
const RAPL = '/sys/class/powercap/intel-rapl:0';

it("reads the processor's counter, also where it passes its end", async () => {
  const files = { [`${RAPL}/energy_uj`]: '990000000', [`${RAPL}/max_energy_range_uj`]: '1000000000' };
  const meter = new EnergyMeter(true, machine(files));
  await Promise.resolve(); // the first reading is of the beginning
  await new Promise((done) => setTimeout(done, 10));
  files[`${RAPL}/energy_uj`] = '90000000'; // 100 J later
  const { source, lowJoules, highJoules } = await meter.read();
  expect(source).toBe('RAPL');
  expect(lowJoules).toBeCloseTo(95);
  expect(highJoules).toBeCloseTo(140);
});

it('takes what a GPU driver says, from its program or from hwmon', async () => {
  const meter = new EnergyMeter(false, machine({}, '200.00\n'));
  const { source, lowJoules } = await meter.read(10_000);
  meter.stop();
  expect([source, lowJoules]).toEqual(['GPU driver', 1900]);
  const amd = machine({ '/sys/class/drm/card0/device/hwmon/hwmon3/power1_average': '50000000\n' });
  expect((await expectedEnergy(false, 10_000, amd)).lowJoules).toBe(475);
});

it('says that it goes by nameplates where nothing can be read', async () => {
  for (const software of [true, false]) {
    const energy = await expectedEnergy(software, 3_600_000, machine({}));
    expect(energy.source).toBe('nameplate');
    expect(energy.highJoules).toBeGreaterThan(5 * energy.lowJoules);
    expect(energy.basis).toMatch(/no (counter|reading)/);
  }
});

it('adds up stretches, whose source is the worse of them', () => {
  const a = { lowJoules: 1, highJoules: 2, source: 'RAPL', basis: 'a' } as const;
  const b = { lowJoules: 10, highJoules: 20, source: 'nameplate', basis: 'b' } as const;
  for (const sum of [addEnergy(a, b), addEnergy(b, a)]) {
    expect(sum).toEqual({ lowJoules: 11, highJoules: 22, source: 'nameplate', basis: 'b' });
  }
  expect(addEnergy(undefined, a)).toBe(a);
});

it('makes grams and money of it', () => {
  const energy = { lowJoules: 3.6e6, highJoules: 7.2e6, source: 'nameplate', basis: '' } as const;
  expect(gramsOfCarbon(energy)).toEqual([20, 1800]);
  expect(gramsOfCarbon(energy, [380, 380])).toEqual([380, 760]);
  expect(moneyOf(energy, 1_800_000, { per: 'hour', amount: 3 })).toEqual([1.5, 1.5]);
  expect(moneyOf(energy, 1_800_000, { per: 'kWh', amount: 0.3 })).toEqual([0.3, 0.6]);
  expect(energyInWords(energy)).toBe('1 to 2 kWh');
  expect(energyInWords({ ...energy, lowJoules: 36, highJoules: 360 })).toBe('0.01 to 0.1 Wh');
});
