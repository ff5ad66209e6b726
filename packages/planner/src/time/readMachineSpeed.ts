import { cpus } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import {
  type Device,
  instructionSets,
  makeFolder,
  readCacheSettings,
  runtimeIdentity,
  writeFileAtomically,
} from '@thimble/core/plugin';
import { type MachineSpeed, RATES } from './MachineSpeed.js';
import { measureArithmetic } from './measureArithmetic.js';
import { measureDisk } from './measureDisk.js';

/** What the figures are kept under: they are measured anew on another machine, and after an update of the runtime. */
interface KeptSpeeds {
  readonly identity: string;
  readonly measured: readonly Measurement[];
}

interface Measurement extends MachineSpeed {
  /** When, in milliseconds since 1970. */
  readonly at: number;
}

/** What is measured. */
export interface Measured {
  readonly device: Device;
  /** A file of weights. */
  readonly file: string | undefined;
}

/** Measurements that are this near to the best one say the same. */
const ALIKE = 0.9;

/** So many are kept, the latest ones; after them the best one counts for a while, whatever the others say. */
const MOST_MEASUREMENTS = 6;

/** How long measurements count: where two agree, and where the machine was always busy. */
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * How fast this machine is, by the best of its measurements: other work only ever makes it look slower. They are kept in a file of the cache's folder (`THIMBLE_CACHE`); until two of them agree, each call takes one
 * more, in a few hundred milliseconds, and later one a day.
 *
 * @throws what the device throws
 */
export async function readMachineSpeed({ device, file }: Measured): Promise<MachineSpeed> {
  const path = join(readCacheSettings(process.env).folder, 'machine.json');
  const identity = machineIdentity();
  const kept = await readKept(path, identity);
  const at = Date.now();
  const avx512 = instructionSets().includes('avx512f');
  if (!isDue(kept, at)) return { ...bestOf(kept), avx512 };
  const speed = { ...(await measureArithmetic(device)), read: await measureDisk(file) };
  const measured = [...kept, { ...speed, at }].slice(-MOST_MEASUREMENTS);
  await keep(path, { identity, measured });
  return { ...bestOf(measured), avx512 };
}

function bestOf(measured: readonly MachineSpeed[]): MachineSpeed {
  const best = (rate: (typeof RATES)[number]): number => Math.max(...measured.map((speed) => speed[rate]));
  return { float32: best('float32'), int8: best('int8'), read: best('read') };
}

/** Whether another measurement is of use. A disk is fast or slow by what else it does, and is not waited for. */
function isDue(measured: readonly Measurement[], now: number): boolean {
  const best = bestOf(measured);
  const agreed = (['float32', 'int8'] as const).every(
    (rate) => measured.filter((speed) => speed[rate] >= ALIKE * best[rate]).length > 1,
  );
  if (!agreed && measured.length < MOST_MEASUREMENTS) return true;
  const age = now - Math.max(...measured.map(({ at }) => at));
  // Clocks are set back as well.
  return age < 0 || age > (agreed ? DAY : HOUR);
}

function machineIdentity(): string {
  const { version, cpu } = runtimeIdentity();
  const processors = cpus();
  return [version, cpu, processors[0]?.model.trim(), processors.length].join(', ');
}

/** What was measured of this machine. */
async function readKept(path: string, identity: string): Promise<readonly Measurement[]> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Partial<KeptSpeeds> | null;
    const { measured } = kept ?? {};
    return kept?.identity === identity && Array.isArray(measured) ? measured.filter(isMeasurement) : [];
  } catch {
    return [];
  }
}

function isMeasurement(value: unknown): value is Measurement {
  const figures = (value ?? {}) as Partial<Measurement>;
  return [...RATES, 'at' as const].every((name) => typeof figures[name] === 'number' && figures[name] > 0);
}

/** Where it cannot be kept, it is measured again. */
async function keep(path: string, speeds: KeptSpeeds): Promise<void> {
  try {
    await makeFolder(join(path, '..'));
    await writeFileAtomically(path, Buffer.from(`${JSON.stringify(speeds, undefined, 2)}\n`));
  } catch {
    return;
  }
}
