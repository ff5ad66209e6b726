import type { Device } from '../device/Device.js';
import type { MemoryBudget } from '../device/MemoryBudget.js';
import { ThimbleError } from '../errors.js';
import type { Hooks } from '../hooks/manifest.js';
import type { InputShapes, Model } from '../models/Model.js';
import { entryOf } from './entryOf.js';
import type { SegmentCompiler } from './SegmentCompiler.js';

const SHRINK = 'Make smaller pictures or fewer at once, or allow more memory.';

/** What a call would take, where the memory limit has no room for it. */
export interface MemoryExcess {
  /** About what both processes would take, in bytes. */
  readonly neededBytes: number;
  readonly limitBytes: number;
}

/** What a {@link MemoryRoom} works with. */
export interface MemoryRoomParts {
  /** The component's name. */
  readonly name: string;
  readonly model: Model;
  readonly device: Device;
  readonly budget: MemoryBudget;
  readonly hooks: Hooks;
  readonly compiler: SegmentCompiler;
}

/** Whether the memory limit has room for a call, before anything is made for it. */
export class MemoryRoom {
  readonly #parts: MemoryRoomParts;

  constructor(parts: MemoryRoomParts) {
    this.#parts = parts;
  }

  /** The limit, in bytes; `undefined` where there is none, and for a device whose memory is not this machine's. */
  get limit(): number | undefined {
    const { budget, device } = this.#parts;
    return device.provider === 'cpu' ? budget.limit : undefined;
  }

  /** What an entry point whose segments run one after the other would take; `undefined` where it fits. @throws ERR_ENTRY_UNKNOWN */
  excess(entryName: string, shapes: InputShapes): MemoryExcess | undefined {
    const { limit: limitBytes } = this;
    if (limitBytes === undefined) return undefined;
    const { budget } = this.#parts;
    const neededBytes = budget.neededBytes(this.#valueBytes(entryName, shapes), entryName);
    return budget.hasRoom(neededBytes, entryName) ? undefined : { neededBytes, limitBytes };
  }

  /** @throws ERR_MEMORY_LIMIT with what the call takes */
  check(entryName: string, shapes: InputShapes): void {
    const excess = this.excess(entryName, shapes);
    if (excess !== undefined) this.refuse(entryName, shapes, excess);
  }

  /** @throws ERR_MEMORY_LIMIT */
  refuse(entryName: string, shapes: InputShapes, excess: MemoryExcess): never {
    const what = `${this.#parts.name}.${entryName} of ${describeShapes(shapes)}`;
    throw new ThimbleError('ERR_MEMORY_LIMIT', { what, ...excess, advice: SHRINK });
  }

  #valueBytes(entryName: string, shapes: InputShapes): number {
    const { name, model, budget, compiler, hooks } = this.#parts;
    const parks = hooks.beforeSegment.isUsed() || hooks.afterSegment.isUsed();
    const parkedFrom = parks ? budget.parkingBytes : undefined;
    return compiler.valueBytes(entryName, entryOf(name, model, entryName), shapes, parkedFrom);
  }
}

function describeShapes(shapes: InputShapes): string {
  return Object.entries(shapes)
    .filter(([, { dims }]) => dims.length > 2)
    .map(([name, { dims }]) => `${name} [${dims.join(', ')}]`)
    .join(', ');
}
