import { cpus } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { type Device, makeFolder, readCacheSettings, runtimeIdentity, writeFileAtomically } from '@thimble/core/plugin';
import { type MachineSpeed, RATES } from './MachineSpeed.js';
import { measureArithmetic } from './measureArithmetic.js';
import { measureDisk } from './measureDisk.js';

/** What the figures are kept under: they are measured anew on another machine, and after an update of the runtime. */
interface KeptSpeeds {
  readonly identity: string;
  readonly measured: readonly MachineSpeed[];
}

/** What is measured. */
export interface Measured {
  readonly device: Device;
  /** A file of weights. */
  readonly file: string | undefined;
}

/** Measurements that are this near to the best one say the same. */
const ALIKE = 0.9;

/** After so many the best one counts, whatever the others say. */
const MOST_MEASUREMENTS = 6;

/**
 * How fast this machine is, by the best of its measurements: other work only ever makes it look slower. They are kept in a file of the cache's folder (`THIMBLE_CACHE`); until two of them agree, each call takes one
 * more, in a few hundred milliseconds.
 *
 * @throws what the device throws
 */
export async function readMachineSpeed({ device, file }: Measured): Promise<MachineSpeed> {
  const path = join(readCacheSettings(process.env).folder, 'machine.json');
  const identity = machineIdentity();
  const kept = await readKept(path, identity);
  if (isSettled(kept)) return bestOf(kept);
  const measured = [...kept, { ...(await measureArithmetic(device)), read: await measureDisk(file) }];
  await keep(path, { identity, measured });
  return bestOf(measured);
}

function bestOf(measured: readonly MachineSpeed[]): MachineSpeed {
  const best = (rate: keyof MachineSpeed): number => Math.max(...measured.map((speed) => speed[rate]));
  return { float32: best('float32'), int8: best('int8'), read: best('read') };
}

/** Whether the best arithmetic was measured twice; a disk is fast or slow by what else it does, and is not waited for. */
function isSettled(measured: readonly MachineSpeed[]): boolean {
  if (measured.length >= MOST_MEASUREMENTS) return true;
  const best = bestOf(measured);
  return (['float32', 'int8'] as const).every(
    (rate) => measured.filter((speed) => speed[rate] >= ALIKE * best[rate]).length > 1,
  );
}

function machineIdentity(): string {
  const { version, cpu } = runtimeIdentity();
  const processors = cpus();
  return [version, cpu, processors[0]?.model.trim(), processors.length].join(', ');
}

/** What was measured of this machine. */
async function readKept(path: string, identity: string): Promise<readonly MachineSpeed[]> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Partial<KeptSpeeds> | null;
    const { measured } = kept ?? {};
    return kept?.identity === identity && Array.isArray(measured) ? measured.filter(isSpeed) : [];
  } catch {
    return [];
  }
}

function isSpeed(value: unknown): value is MachineSpeed {
  const rates = (value ?? {}) as Partial<MachineSpeed>;
  return RATES.every((rate) => typeof rates[rate] === 'number' && rates[rate] > 0);
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
