import type { Device } from '../device/Device.js';
import type { ProcessMemory } from '../device/ProcessMemory.js';
import { readOwnMemory } from '../device/readProcessMemory.js';
import type { MemoryReport } from '../hooks/MemoryReport.js';
import type { RunMemory } from '../hooks/RunMemory.js';

const INTERVAL = 50;

/** Measures what both processes hold now. */
export function measureMemory(device: Device | undefined): MemoryReport {
  return { main: readOwnMemory(), device: device?.memory() };
}

/** Follows what both processes hold while a run goes on. */
export class MemoryMonitor implements Disposable {
  readonly #device: Device;
  readonly #timer: NodeJS.Timeout;
  #peak: MemoryReport;

  constructor(device: Device) {
    this.#device = device;
    this.#peak = measureMemory(device);
    this.#timer = setInterval(() => this.sample(), INTERVAL).unref();
  }

  /** Measures now. */
  sample(): MemoryReport {
    const now = measureMemory(this.#device);
    this.#peak = { main: most(this.#peak.main, now.main) as ProcessMemory, device: most(this.#peak.device, now.device) };
    return now;
  }

  /** The peak so far, and what is held now. */
  report(): RunMemory {
    const end = this.sample();
    return { peak: this.#peak, end };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function most(a: ProcessMemory | undefined, b: ProcessMemory | undefined): ProcessMemory | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    residentBytes: Math.max(a.residentBytes, b.residentBytes),
    anonymousBytes: Math.max(a.anonymousBytes, b.anonymousBytes),
    fileBytes: Math.max(a.fileBytes, b.fileBytes),
  };
}
