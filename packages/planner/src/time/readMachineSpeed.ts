import { cpus } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { type Device, makeFolder, readCacheSettings, runtimeIdentity, writeFileAtomically } from '@thimble/core/plugin';
import type { MachineSpeed } from './MachineSpeed.js';
import { measureArithmetic } from './measureArithmetic.js';
import { measureDisk } from './measureDisk.js';

/** What the figures are kept under: they are measured anew on another machine, and after an update of the runtime. */
interface KeptSpeed extends MachineSpeed {
  readonly identity: string;
}

/** What is measured. */
export interface Measured {
  readonly device: Device;
  /** A file of weights. */
  readonly file: string | undefined;
}

/**
 * How fast this machine is: as it was measured before, which a file in the cache's folder says (`THIMBLE_CACHE`), else as it is measured now, in a few hundred milliseconds.
 *
 * @throws what the device throws
 */
export async function readMachineSpeed({ device, file }: Measured): Promise<MachineSpeed> {
  const path = join(readCacheSettings(process.env).folder, 'machine.json');
  const identity = machineIdentity();
  const kept = await readKept(path);
  if (kept?.identity === identity) return kept;
  const speed = { identity, ...(await measureArithmetic(device)), read: await measureDisk(file) };
  await keep(path, speed);
  return speed;
}

function machineIdentity(): string {
  const { version, cpu } = runtimeIdentity();
  const processors = cpus();
  return [version, cpu, processors[0]?.model.trim(), processors.length].join(', ');
}

async function readKept(path: string): Promise<KeptSpeed | undefined> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Partial<KeptSpeed> | null;
    const figures = [kept?.float32, kept?.int8, kept?.read];
    return figures.every((figure) => typeof figure === 'number' && figure > 0) ? (kept as KeptSpeed) : undefined;
  } catch {
    return undefined;
  }
}

/** Where it cannot be kept, it is measured again. */
async function keep(path: string, speed: KeptSpeed): Promise<void> {
  try {
    await makeFolder(join(path, '..'));
    await writeFileAtomically(path, Buffer.from(`${JSON.stringify(speed, undefined, 2)}\n`));
  } catch {
    return;
  }
}
