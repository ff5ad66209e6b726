import { stat } from 'node:fs/promises';
import { basename, relative } from 'node:path';
import { Component, DiffusionPipeline, type DownloadEvent } from '@thimble/core';
import {
  computeFields,
  countConvolutions,
  isPassedOver,
  modelRegistry,
  nominalShapes,
  openComponentCheckpoint,
  openModelIndex,
  placeOf,
  partKind,
  pipelineRegistry,
  type CheckpointWarning,
  type ComponentCheckpoint,
  type ModelIndex,
  type PartPlace,
} from '@thimble/core/model';
import { createDevice, createHooks, DENOISER } from '@thimble/core/plugin';
import type { RunNeeds } from '@thimble/planner';
import type { Size } from '../generate/parseSize.js';
import { registerFormats } from '../registerFormats.js';
import { withoutUndefined } from '../withoutUndefined.js';
import type { ComponentReport, DefaultsReport, ModelReport } from './ModelReport.js';

/** Options of {@link inspectModel}. */
export interface InspectOptions {
  readonly variant?: string | undefined;
  readonly revision?: string | undefined;
  readonly config?: string | undefined;
  readonly localFilesOnly?: boolean | undefined;
  readonly allowSymlinks?: boolean | undefined;
  /** Of a picture: what it takes is told too. */
  readonly size?: Size | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: DownloadEvent | CheckpointWarning) => void) | undefined;
}

interface Entry {
  readonly name: string;
  readonly place: PartPlace;
  readonly className: string;
  readonly library?: string;
}

/**
 * Looks into a model without loading it: reads the configs and the headers of the weight files, and checks that they belong together.
 *
 * @throws what {@link openModelIndex}, {@link openComponentCheckpoint} and {@link Component} throw
 */
export async function inspectModel(model: string, options: InspectOptions): Promise<ModelReport> {
  const { onProgress } = options;
  await registerFormats([model]);
  const index = await openModelIndex(model, {
    ...options,
    components: runnable,
    wanted: [],
    onWarning: (warning) => onProgress?.(warning),
  });
  const components: ComponentReport[] = [];
  for (const entry of entriesOf(index)) {
    options.signal?.throwIfAborted();
    if (await exists(entry.place)) components.push(await inspectComponent(entry, index.folder, options));
  }
  return {
    folder: index.folder,
    className: index.className,
    ...classOf(index, 'scheduler'),
    ...classOf(index, 'tokenizer'),
    ...(await defaultsOf(model, index, components, options)),
    ...(await needsOf(model, options)),
    components,
    ...(index.unused === undefined || index.unused.length === 0 ? {} : { unused: index.unused }),
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
  if (index.kind === 'model') return [{ name: 'model', place: placeOf(index, ''), className: index.className }];
  return Object.entries(index.components).flatMap(([name, component]) =>
    component === null ||
    partKind(component.className) !== 'model' ||
    // Of a file, configs from elsewhere say no more than what it may hold.
    (index.unused !== undefined && placeOf(index, name).weights === undefined)
      ? []
      : [{ name, place: placeOf(index, name), ...component }],
  );
}

async function inspectComponent(
  { name, place, className, library }: Entry,
  root: string,
  { variant, onProgress }: InspectOptions,
): Promise<ComponentReport> {
  const checkpoint = await openComponentCheckpoint(place.folder, { variant, library, ...place, onWarning: onProgress });
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
    ...(await linearsOf(component)),
    ...convolutionsOf(component),
    files: await Promise.all(
      checkpoint.files.map(async (path) => ({
        path: relative(root, path) || basename(path),
        bytes: (await stat(path)).size,
      })),
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

/** Asked only of what lies in blocks: the package of the format is loaded then. */
async function linearsOf(component: Component | undefined): Promise<Pick<ComponentReport, 'linears'>> {
  const { weights } = component ?? {};
  if (
    component === undefined ||
    ![...(weights?.keys() ?? [])].some((key) => weights?.find(key)?.blockBytes !== undefined)
  )
    return {};
  const { blockLinears } = await import('@thimble/plugin-gguf');
  return { linears: blockLinears(component) };
}

/** At the sizes that the model was made for. */
function convolutionsOf(component: Component | undefined): Pick<ComponentReport, 'convolutions'> {
  if (component === undefined) return {};
  const entries = Object.entries(component.model.entries).map(
    ([name, entry]) =>
      [
        name,
        countConvolutions(component.graph(name, nominalShapes(entry)), computeFields.convolution.default),
      ] as const,
  );
  const found = entries.filter(([, { fours, twos, direct }]) => fours + twos + direct > 0);
  return found.length === 0 ? {} : { convolutions: Object.fromEntries(found) };
}

function classOf(
  { components }: ModelIndex,
  name: 'scheduler' | 'tokenizer',
): { readonly [key in typeof name]?: string } {
  const className = components[name]?.className;
  return className === undefined ? {} : { [name]: className };
}

/** What a run of the pipeline takes where nothing is said; its options depend on the configs of denoiser and VAE, and a preset on what it is called: `model` as it was asked for. */
async function defaultsOf(
  model: string,
  index: ModelIndex,
  components: readonly ComponentReport[],
  options: InspectOptions,
): Promise<{ readonly defaults?: DefaultsReport }> {
  if (!(index.className in pipelineRegistry)) return {};
  const there = components.map(({ name }) => name);
  if (!there.some((name) => DENOISER.test(name))) return {};
  const names = there.filter((name) => name === 'vae' || DENOISER.test(name));
  const { variant, config, allowSymlinks, signal } = options;
  await using pipe = await DiffusionPipeline.fromPretrained((await isHere(model)) ? model : index.folder, {
    ...withoutUndefined({ variant, config, allowSymlinks, signal }),
    components: names,
    onProgress: () => undefined,
  });
  const { width, height, numFrames, numInferenceSteps, guidanceScale } = pipe.defaults as DefaultsReport;
  const { preset } = pipe;
  return { defaults: withoutUndefined({ width, height, numFrames, numInferenceSteps, guidanceScale, preset }) };
}

/** Counted by the planner: what plans are made of. */
async function needsOf(
  model: string,
  { size, variant, revision, config, localFilesOnly, allowSymlinks, signal }: InspectOptions,
): Promise<{ readonly needs?: RunNeeds }> {
  if (size === undefined) return {};
  const { runNeeds } = await import('@thimble/planner');
  const where = withoutUndefined({ variant, revision, config, localFilesOnly, allowSymlinks, signal });
  return { needs: await runNeeds(model, { ...size, ...where }) };
}

async function exists({ folder, weights }: PartPlace): Promise<boolean> {
  if (weights !== undefined) return true;
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function isHere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
