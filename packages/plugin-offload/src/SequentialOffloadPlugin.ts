import { type Plugin } from '@thimble/core';
import { choiceField, integerField, optional, type OptionsOf } from '@thimble/core/model';
import {
  type ComponentHandle,
  componentNamesField,
  type PluginContext,
  readOptions,
  type SegmentCall,
  type SegmentHandle,
  Stage,
} from '@thimble/core/plugin';

const FIELDS = {
  /**
   * How many segments ahead weights are read into the page cache, on other threads, while one computes; 0 reads none. Default 1, which hides a cold
   * disk: 5.7 s for a pass of SD 1.5's UNet that takes 4.5 s warm, and 11 s without. Under a memory limit below 1 GB the default is 0: what is
   * read ahead pushes out what is needed, 11.5 s in place of 10.5 at 192 MB.
   */
  prefetch: optional(integerField(1)),
  /** What comes and goes together: a submodule (`down_blocks.0.resnets.0`), or the block it belongs to (`down_blocks.0`). */
  granularity: choiceField('segment', ['segment', 'block']),
  /** Names of the components that are treated so; all by default. */
  components: componentNamesField(),
};

/** Options of a {@link SequentialOffloadPlugin}. */
export type SequentialOffloadOptions = OptionsOf<typeof FIELDS>;

const DEFAULT_PREFETCH = 1;

/** Below this limit the page cache has no room for what is not needed yet. */
const ROOM_TO_PREFETCH = 2 ** 30;

/** What a segment's name ends in, below its block. */
const BELOW_BLOCK = /\.(resnets|attentions|downsamplers|upsamplers)\.\d+(\..+)?$/;

/**
 * Brings submodules onto the device just before they run and frees them right after, so that the weights of one of them at a time are
 * there. The next ones' weights are read ahead meanwhile.
 *
 * Mirrors diffusers' `enable_sequential_cpu_offload`.
 */
export class SequentialOffloadPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:sequential-offload';
  readonly engines = { thimble: '^0.2.0' };
  readonly claims = ['residency'] as const;
  readonly multiple = true;
  readonly #prefetch: number | undefined;
  readonly #granularity: 'segment' | 'block';
  readonly #components: readonly string[] | undefined;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option out of range */
  constructor(options: SequentialOffloadOptions = {}) {
    const { prefetch, granularity, components } = readOptions(options, FIELDS, 'SequentialOffloadPlugin');
    this.#prefetch = prefetch;
    this.#granularity = granularity;
    this.#components = components;
  }

  async apply({ hooks, pipeline, onRemove }: PluginContext): Promise<void> {
    const prefetch =
      this.#prefetch ??
      (pipeline.memoryLimit !== undefined && pipeline.memoryLimit < ROOM_TO_PREFETCH ? 0 : DEFAULT_PREFETCH);
    const reading = new Set<Promise<void>>();
    /** Segments that were read ahead and have not run since. */
    const ahead = new Set<SegmentHandle>();
    const ours = (component: string): boolean => this.#components?.includes(component) ?? true;
    const unloadAll = async (): Promise<void> => {
      for (const component of Object.values(pipeline.components)) if (ours(component.name)) await component.unload();
    };

    hooks.beforeModelCall.tap({ name: this.name, stage: Stage.Early }, (call) => {
      // Whatever ends the call, nothing of it stays.
      if (!ours(call.component)) return;
      call.onEnd(async () => {
        ahead.clear();
        await call.handle.unload();
      });
    });
    hooks.beforeSegment.tap({ name: this.name, stage: Stage.Early }, (call) => {
      if (!ours(call.component)) return;
      for (const segment of call.following.slice(0, prefetch))
        if (!ahead.has(segment)) this.#readAhead(segment, ahead, reading);
    });
    hooks.afterSegment.tap({ name: this.name, stage: Stage.Late }, async (call) => {
      if (!ours(call.component)) return;
      ahead.delete(call.handle.segments[call.index] as SegmentHandle);
      await this.#unloadAfter(call);
    });
    hooks.afterRun.tap({ name: this.name, stage: Stage.Late }, async () => {
      await unloadAll();
      await pipeline.trim();
    });
    onRemove(async () => void (await Promise.allSettled(reading)));
    await unloadAll();
    await pipeline.trim();
  }

  async #unloadAfter({ handle, segment, following }: SegmentCall): Promise<void> {
    const group = this.#groupOf(segment);
    if (following.some(({ name }) => this.#groupOf(name) === group)) return;
    for (const other of segmentsIn(handle, (name) => this.#groupOf(name) === group)) await other.unload();
  }

  #groupOf(segment: string): string {
    return this.#granularity === 'segment' ? segment : segment.replace(BELOW_BLOCK, '');
  }

  /** A hint may fail: the weights are read when they are needed. */
  #readAhead(segment: SegmentHandle, ahead: Set<SegmentHandle>, reading: Set<Promise<void>>): void {
    if (segment.loaded) return;
    ahead.add(segment);
    const done: Promise<void> = segment
      .prefetch()
      .catch(() => undefined)
      .finally(() => reading.delete(done));
    reading.add(done);
  }
}

function segmentsIn({ segments }: ComponentHandle, matches: (name: string) => boolean): readonly SegmentHandle[] {
  return segments.filter(({ name }) => matches(name));
}
