import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Component, DiffusionPipeline, type DownloadEvent } from '@thimble/core';
import {
  isPassedOver,
  modelRegistry,
  openComponentCheckpoint,
  partKind,
  pipelineRegistry,
  readModelIndex,
  resolveModel,
  type CheckpointWarning,
  type ComponentCheckpoint,
  type ModelIndex,
} from '@thimble/core/model';
import { createDevice, createHooks, DENOISER } from '@thimble/core/plugin';
import { withoutUndefined } from '../withoutUndefined.js';
import type { ComponentReport, DefaultsReport, ModelReport } from './ModelReport.js';

/** Options of {@link inspectModel}. */
export interface InspectOptions {
  readonly variant?: string | undefined;
  readonly revision?: string | undefined;
  readonly localFilesOnly?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: DownloadEvent | CheckpointWarning) => void) | undefined;
}

interface Entry {
  readonly name: string;
  readonly folder: string;
  readonly className: string;
  readonly library?: string;
}

/**
 * Looks into a model without loading it: reads the configs and the headers of the weight files, and checks that they belong together.
 *
 * @throws what {@link resolveModel}, {@link openComponentCheckpoint} and {@link Component} throw
 */
export async function inspectModel(model: string, options: InspectOptions): Promise<ModelReport> {
  const { folder } = await resolveModel(model, { ...options, components: runnable });
  const index = await readModelIndex(folder);
  const components: ComponentReport[] = [];
  for (const entry of entriesOf(index)) {
    options.signal?.throwIfAborted();
    if (await exists(entry.folder)) components.push(await inspectComponent(entry, index.folder, options));
  }
  return {
    folder,
    className: index.className,
    ...classOf(index, 'scheduler'),
    ...classOf(index, 'tokenizer'),
    ...(await defaultsOf(folder, index, options)),
    components,
    parameters: sum(components.map(({ parameters }) => parameters)),
    bytes: sum(components.map(({ bytes }) => bytes)),
  };
}

/** A hub's model comes without the parts that are never run. */
function runnable({ components }: ModelIndex): string[] {
  return Object.entries(components).flatMap(([name, component]) =>
    component === null || isPassedOver(component.className) ? [] : [name],
  );
}

function entriesOf(index: ModelIndex): Entry[] {
  if (index.kind === 'model') return [{ name: 'model', folder: index.folder, className: index.className }];
  return Object.entries(index.components).flatMap(([name, component]) =>
    component === null || partKind(component.className) !== 'model'
      ? []
      : [{ name, folder: join(index.folder, name), ...component }],
  );
}

async function inspectComponent(
  { name, folder, className, library }: Entry,
  root: string,
  { variant, onProgress }: InspectOptions,
): Promise<ComponentReport> {
  const checkpoint = await openComponentCheckpoint(folder, { variant, library, onWarning: onProgress });
  const component = bind(name, className, checkpoint);
  const shapes =
    component?.model.parameters.map(({ shape }) => shape) ?? [...checkpoint.tensors.values()].map(({ shape }) => shape);
  return {
    name,
    className,
    supported: component !== undefined,
    ...(checkpoint.variant === undefined ? {} : { variant: checkpoint.variant }),
    parameters: sum(shapes.map((shape) => shape.reduce((product, size) => product * size, 1))),
    bytes: checkpoint.byteLength,
    dtypes: dtypesOf(checkpoint),
    files: await Promise.all(
      checkpoint.files.map(async (path) => ({ path: relative(root, path), bytes: (await stat(path)).size })),
    ),
    segments: component?.segments.map(({ name: segment, bytes }) => ({ name: segment, bytes })) ?? [],
  };
}

/** The device is only a place here: it starts no process before it is given something to do. */
function bind(name: string, className: string, checkpoint: ComponentCheckpoint): Component | undefined {
  const model = modelRegistry[className]?.fromConfig(checkpoint.config, className);
  return model === undefined
    ? undefined
    : new Component({ name, model, checkpoint, device: createDevice({ provider: 'cpu' }), hooks: createHooks() });
}

function dtypesOf({ tensors }: ComponentCheckpoint): Record<string, number> {
  const bytes: Record<string, number> = {};
  for (const { dtype, byteLength } of tensors.values()) bytes[dtype] = (bytes[dtype] ?? 0) + byteLength;
  return bytes;
}

function classOf(
  { components }: ModelIndex,
  name: 'scheduler' | 'tokenizer',
): { readonly [key in typeof name]?: string } {
  const className = components[name]?.className;
  return className === undefined ? {} : { [name]: className };
}

/** What a run of the pipeline takes where nothing is said; its options depend on the configs of denoiser and VAE, and a preset on what it is called: `folder` as it was asked for. */
async function defaultsOf(
  folder: string,
  index: ModelIndex,
  options: InspectOptions,
): Promise<{ readonly defaults?: DefaultsReport }> {
  if (!(index.className in pipelineRegistry)) return {};
  const names = Object.keys(index.components).filter((name) => name === 'vae' || DENOISER.test(name));
  const { variant, signal } = options;
  await using pipe = await DiffusionPipeline.fromPretrained(folder, {
    ...withoutUndefined({ variant, signal }),
    components: names,
    onProgress: () => undefined,
  });
  const { width, height, numFrames, numInferenceSteps, guidanceScale } = pipe.defaults as DefaultsReport;
  const { preset } = pipe;
  return { defaults: withoutUndefined({ width, height, numFrames, numInferenceSteps, guidanceScale, preset }) };
}

async function exists(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
