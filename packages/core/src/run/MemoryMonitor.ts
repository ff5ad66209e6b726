import type { Device } from '../device/Device.js';
import { type ProcessMemory, readOwnMemory } from '../device/ProcessMemory.js';
import { megabytes } from '../errors/describeValue.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { MemoryReport } from '../hooks/calls/MemoryReport.js';
import type { RunMemory } from '../hooks/calls/RunMemory.js';
import type { WarningEvent } from './PipelineEvent.js';

const INTERVAL = 50;

/** Measures what both processes hold now, and which components are loaded. */
export function measureMemory(device: Device | undefined, components: Components): MemoryReport {
  const loaded = Object.values(components)
    .map(({ name, residentBytes }) => [name, residentBytes] as const)
    .filter(([, bytes]) => bytes > 0);
  return { main: readOwnMemory(), device: device?.memory(), loaded: Object.fromEntries(loaded) };
}

type Components = Readonly<Record<string, ComponentHandle>>;

/** Follows what both processes hold while a run goes on. */
export class MemoryMonitor implements Disposable {
  readonly #device: Device;
  readonly #components: Components;
  readonly #timer: NodeJS.Timeout;
  readonly #limit: number;
  #peak: MemoryReport;
  /** Anonymous bytes of both processes together, at their most. */
  #most = 0;

  /** `limit`: what both processes together may take. */
  constructor(device: Device, components: Components, limit = Infinity) {
    this.#device = device;
    this.#limit = limit;
    this.#components = components;
    this.#peak = measureMemory(device, components);
    this.#timer = setInterval(() => this.sample(), INTERVAL).unref();
  }

  /** Measures now. */
  sample(): MemoryReport {
    const now = measureMemory(this.#device, this.#components);
    this.#most = Math.max(this.#most, now.main.anonymousBytes + (now.device?.anonymousBytes ?? 0));
    this.#peak = {
      main: most(this.#peak.main, now.main) as ProcessMemory,
      device: most(this.#peak.device, now.device),
      loaded: mostLoaded(this.#peak.loaded, now.loaded),
    };
    return now;
  }

  /** The peak so far, and what is held now. */
  report(): RunMemory {
    const end = this.sample();
    return { peak: this.#peak, end };
  }

  /** A warning if more was taken than the limit allows. */
  get excess(): WarningEvent | undefined {
    if (this.#most <= this.#limit) return undefined;
    const message = `The run took ${megabytes(this.#most)}, more than the memory limit of ${megabytes(this.#limit)}: make smaller pictures or fewer at once, or use an offload or tiling plugin.`;
    return { type: 'warning', code: 'WARN_MEMORY_LIMIT', message };
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

function mostLoaded(a: MemoryReport['loaded'], b: MemoryReport['loaded']): MemoryReport['loaded'] {
  return Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, Math.max(a[name] ?? 0, b[name] ?? 0)]),
  );
}
