import { setImmediate } from 'node:timers/promises';
import type { Tensor } from 'onnxruntime-common';
import type { MemoryBudget } from '../../device/MemoryBudget.js';
import { spillFolder } from '../../device/spillFolder.js';
import type { CallOptions } from '../../hooks/calls/CallOptions.js';
import type { ComponentHandle } from '../../hooks/calls/ComponentHandle.js';
import type { SampleRows } from '../../hooks/calls/SampleRows.js';
import type { InputShapes } from '../../models/Model.js';
import type { ProgressEvent } from '../ComponentEvent.js';
import { GraphGarbage } from '../GraphGarbage.js';
import type { MemoryExcess, MemoryRoom } from '../MemoryRoom.js';
import { type PlannedPicture, planPicture } from './planPicture.js';
import { seamlessRows } from './seamlessRows.js';

/** What {@link VaeStrips} works with. */
export interface VaeStripsParts {
  readonly handle: ComponentHandle;
  readonly budget: MemoryBudget;
  readonly room: MemoryRoom;
  readonly notify: (event: ProgressEvent) => void;
}

/** An entry point of a VAE, and its only input. */
export interface VaeEntryPoint {
  readonly name: 'decode' | 'encode';
  readonly input: string;
}

export const DECODE: VaeEntryPoint = { name: 'decode', input: 'z' };
export const ENCODE: VaeEntryPoint = { name: 'encode', input: 'x' };

/** What an entry point is as one of a VAE; `undefined` for another one. */
export function vaeEntryPoint(name: string): VaeEntryPoint | undefined {
  return [DECODE, ENCODE].find((entry) => entry.name === name);
}

/** Of how many sizes it is remembered what they take. */
const REMEMBERED = 64;

/** In bytes. */
interface StripNeed {
  readonly memory: number;
  readonly disk: number;
}

/**
 * The floor under a memory limit: a picture for which it has no room as a whole is decoded, or encoded, strip by strip, with the same result. What memory has no room
 * for between two passes over the picture lies in a temporary file.
 */
export class VaeStrips {
  readonly #parts: VaeStripsParts;
  readonly #needs = new Map<string, StripNeed | undefined>();

  constructor(parts: VaeStripsParts) {
    this.#parts = parts;
  }

  /** Whether pictures of these sizes, [n, c, h, w], have no room as a whole, one by one. Videos never do it in strips. */
  needed(entry: VaeEntryPoint, dims: readonly number[]): boolean {
    return dims.length === 4 && this.#parts.room.excess(entry.name, shapesOf(entry, dims)) !== undefined;
  }

  /** What a picture of these sizes would take, where there is no room for it in strips either; `undefined` where there is. @throws ERR_DISK_FULL */
  async excess(entry: VaeEntryPoint, dims: readonly number[]): Promise<MemoryExcess | undefined> {
    const whole = this.#parts.room.excess(entry.name, shapesOf(entry, dims));
    if (whole === undefined || dims.length !== 4) return whole;
    const need = await this.#needOf(entry, dims);
    if (need === undefined) return whole;
    const neededBytes = Math.min(need.memory, whole.neededBytes);
    if (neededBytes > whole.limitBytes) return { ...whole, neededBytes };
    if (need.disk > 0) await spillFolder(undefined, need.disk);
    return undefined;
  }

  /** The rows of one picture, [1, c, h, w]. @throws `signal.reason`; ERR_MEMORY_LIMIT, ERR_DISK_FULL before anything is computed */
  async *rows(entry: VaeEntryPoint, x: Tensor, { signal }: CallOptions): AsyncGenerator<SampleRows> {
    const { handle, room, notify } = this.#parts;
    // Of a batch, the picture before left its plan and its graphs behind.
    const garbage = new GraphGarbage();
    const shapes = shapesOf(entry, x.dims);
    const excess = await this.excess(entry, x.dims);
    if (excess !== undefined) room.refuse(entry.name, shapes, excess);
    const { budget, ...plan } = (await this.#plan(entry, x.dims, signal)) as PlannedPicture;
    garbage.settle();
    yield* seamlessRows(x, plan, {
      component: handle,
      entry: entry.name,
      input: entry.input,
      budget,
      spillType: 'float32',
      tempDir: undefined,
      signal,
      progress: (done, total) => notify({ type: 'progress', task: entry.name, done, total }),
    });
  }

  /** `undefined` for a model that cannot be cut into rows. To know it a plan is made, so it is remembered. */
  async #needOf(entry: VaeEntryPoint, dims: readonly number[]): Promise<StripNeed | undefined> {
    const key = `${entry.name} ${dims.slice(1).join('x')}`;
    if (this.#needs.has(key)) return this.#needs.get(key);
    const planned = await this.#plan(entry, dims);
    const need = planned && { memory: planned.neededBytes, disk: planned.strips.diskBytes };
    this.#needs.set(key, need);
    if (this.#needs.size > REMEMBERED) this.#needs.delete(this.#needs.keys().next().value as string);
    return need;
  }

  async #plan(
    entry: VaeEntryPoint,
    dims: readonly number[],
    signal?: AbortSignal,
  ): Promise<PlannedPicture | undefined> {
    const { handle, budget } = this.#parts;
    await setImmediate();
    return planPicture(() => handle.graph(entry.name, shapesOf(entry, dims)), { entry: entry.name, budget, signal });
  }
}

function shapesOf({ input }: VaeEntryPoint, dims: readonly number[]): InputShapes {
  return { [input]: { type: 'float32', dims: [1, ...dims.slice(1)] } };
}
