import { createHash } from 'node:crypto';
import { mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isThimbleError, type Plugin } from '@thimble/core';
import { booleanField, type OptionsOf, required, textField } from '@thimble/core/model';
import {
  componentNamesField,
  freezeShapes,
  holdFileLock,
  makeFolder,
  fileSystemError,
  type NamedStage,
  type PluginContext,
  type PluginHostPipeline,
  readOptions,
  runtimeIdentity,
  type SegmentPreparation,
  type CompiledSegment,
} from '@thimble/core/plugin';
import { assertTraceable } from './assertTraceable.js';
import { fingerprintWeights } from './fingerprintWeights.js';
import { readSegmentTrace, writeSegmentTrace } from './SegmentTrace.js';

/** Where the graph is optimised as a whole: behind everything that changes it. */
const TRACING: NamedStage = { name: 'tracing', after: ['adapters', 'storage', 'attention', 'layout', 'int8'] };

/** Where it is said how convolutions are computed: before it is decided which of them are in int8. */
const LAYOUT: NamedStage = { name: 'layout', after: ['adapters', 'storage', 'attention'], before: ['int8', 'tracing'] };

const FIELDS = {
  /** Where traces are kept, by their content: several pipelines, checkpoints, sizes and processes may share it. */
  dir: required(textField('', 'the path of a folder', 1)),
  /** Whether weights are saved too; see {@link TraceOptions.prepack}. */
  prepack: booleanField(false),
  /** Names of the components that are traced; all by default. */
  components: componentNamesField(),
};

/** Options of a {@link TracingPlugin}. */
export type TracingOptions = OptionsOf<typeof FIELDS>;

/**
 * Traces components by itself, at the first use of each size, and later loads what it finds, also in another process. A trace that was made for another
 * checkpoint, runtime, kind of processor, size or set of plugins is never taken: it lies under another name. Damaged ones are made again.
 */
export class TracingPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:tracing';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #dir: string;
  readonly #prepack: boolean;
  readonly #components: readonly string[] | undefined;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option of the wrong type */
  constructor(options: TracingOptions) {
    const { dir, prepack, components } = readOptions(options, FIELDS, 'TracingPlugin');
    this.#dir = dir;
    this.#prepack = prepack;
    this.#components = components;
  }

  async apply({ hooks, pipeline }: PluginContext): Promise<void> {
    const dir = await openFolder(this.#dir);
    const ours = (component: string): boolean => this.#components?.includes(component) ?? true;
    hooks.transformGraph.tap({ name: this.name, stage: TRACING }, (graph, { component, partial }) => {
      if (!ours(component) || partial === true) return undefined;
      return freezeShapes(graph);
    });
    // Packed weights are those of the runtime's own kernel; what Winograd's algorithm makes of them would be saved at four times the size.
    if (this.#prepack)
      hooks.transformGraph.tap({ name: this.name, stage: LAYOUT }, (graph, { component, partial }) =>
        ours(component) && partial !== true ? graph.with({ directConvolutions: true }) : undefined,
      );
    hooks.prepareSegment.tap({ name: this.name, stage: TRACING }, async (preparation) => {
      const {
        component,
        model: { mode },
      } = preparation;
      if (!ours(component) || mode === 'optimized' || mode === 'prepacked') return;
      assertTraceable(preparation.provider);
      const { model, ranges } = await this.#traced(dir, preparation, pipeline);
      preparation.model = model;
      preparation.ranges = ranges;
    });
  }

  async #traced(dir: string, preparation: SegmentPreparation, pipeline: PluginHostPipeline): Promise<CompiledSegment> {
    const { component, segment } = preparation;
    const folder = join(dir, `${component}.${segment}-${await this.#keyOf(preparation)}`);
    const known = await this.#read(folder, preparation);
    if (known !== undefined) return known;
    // Whoever else wants it, another pipeline or process, waits, and then finds it.
    return holdFileLock(`${folder}.lock`, preparation.signal, async () => {
      const meanwhile = await this.#read(folder, preparation);
      if (meanwhile !== undefined) return meanwhile;
      await this.#make(dir, folder, preparation);
      tell(pipeline, preparation);
      return readSegmentTrace(folder, segment, () => homesOf(preparation));
    }).catch((error: unknown) => {
      throw fileSystemError(error, folder, 'write');
    });
  }

  async #read(folder: string, preparation: SegmentPreparation): Promise<CompiledSegment | undefined> {
    try {
      return await readSegmentTrace(folder, preparation.segment, () => homesOf(preparation));
    } catch (error) {
      if (isThimbleError(error, 'ERR_TRACE_INVALID')) return undefined;
      throw error;
    }
  }

  /** Beside its place, then moved there whole. */
  async #make(dir: string, folder: string, { model, ranges, optimize }: SegmentPreparation): Promise<void> {
    const made = await mkdtemp(join(dir, '.tmp-')).catch((error: unknown) => {
      throw fileSystemError(error, dir, 'write');
    });
    try {
      await writeSegmentTrace(made, { model, ranges }, this.#prepack, optimize);
      await rm(folder, { recursive: true, force: true });
      await rename(made, folder);
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      throw fileSystemError(error, folder, 'write');
    }
  }

  async #keyOf({ model, ranges }: SegmentPreparation): Promise<string> {
    const { version, cpu } = runtimeIdentity();
    const hash = createHash('sha256').update(model.bytes);
    for (const part of [
      model.mode ?? 'mapped',
      this.#prepack ? 'prepack' : '',
      version,
      cpu,
      await fingerprintWeights(ranges),
    ])
      hash.update(`\0${part}`);
    return hash.digest('hex').slice(0, 32);
  }
}

/** Makes the folder of the traces; its real path. @throws ERR_DISK_FULL, ERR_FILE_ACCESS */
async function openFolder(dir: string): Promise<string> {
  try {
    await makeFolder(dir);
    return await realpath(dir);
  } catch (error) {
    throw fileSystemError(error, dir, 'write');
  }
}

function tell(pipeline: PluginHostPipeline, { component, segment }: SegmentPreparation): void {
  const segments = pipeline.components[component]?.segments ?? [];
  pipeline.progress(`tracing ${component}`, segments.findIndex(({ name }) => name === segment) + 1, segments.length);
}

/** Not where its weights were: they may be others now, and its name tells of those that are given. */
function homesOf({ model: { folder } }: SegmentPreparation): readonly string[] {
  return folder === undefined ? [] : [folder];
}
