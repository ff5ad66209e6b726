import { join } from 'node:path';
import { type JsonObject, readJsonFile } from '../disk/readJsonFile.js';
import type { Component } from '../execution/Component.js';
import { DENOISER } from '../extension/chooseComponents.js';
import { nearestName } from '../fields/nearestName.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { ModelIndex } from '../weights/ModelIndex.js';
import { placeOf } from '../weights/PartPlace.js';
import { type Preset, presetNames, presets } from './presets.js';

/** The preset that is none: diffusers' defaults. */
export const NO_PRESET = 'none';

/** What files are called after beside their model: the type of their weights, such as `-Q4_K_S` or `-fp8_e4m3fn`. */
const STORED_AS = /[-_.](?:i?q\d(?:_[a-z\d]+)*|bf16|fp?(?:8|16|32)(?:[-_][a-z\d]+)*)$/;

/** A checkpoint that was opened, as far as it says what it is. */
export interface Opened {
  /** What was asked for: a folder, or a hub id. */
  readonly folderOrId: string;
  readonly index: ModelIndex;
  readonly components: Readonly<Record<string, Component>>;
  /** Names of the components that were given in place of its own. */
  readonly given: readonly string[];
  /** Where those come from that were given as files, by their names: a file in a cache is called otherwise. */
  readonly sources: Readonly<Record<string, unknown>>;
}

/** A preset, and whether its scheduler goes with it: not where a checkpoint brings its own for the same denoiser. */
export interface ChosenPreset {
  readonly preset: Preset;
  readonly withScheduler: boolean;
}

/** @throws ERR_ARGUMENT_INVALID for a name that no preset has */
export function checkPreset(name: string | undefined): void {
  if (name === undefined || name === NO_PRESET || presetNames.includes(name)) return;
  const nearest = typeof name === 'string' ? nearestName(name, presetNames) : undefined;
  const guess = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  refuseOption('preset', name, `"${NO_PRESET}", or one of ${presetNames.join(', ')}${guess}`);
}

/**
 * The preset that a name asks for; else that of what the denoiser is called, or what its configs say: only what is certain. A denoiser that was given in place of the
 * checkpoint's own speaks for itself.
 */
export async function presetOf(asked: string | undefined, opened: Opened): Promise<ChosenPreset | undefined> {
  if (asked === NO_PRESET) return undefined;
  if (asked !== undefined) return { preset: presets.find(({ name }) => name === asked)!, withScheduler: true };
  const { index, components, given } = opened;
  const name = Object.keys(components).find((each) => DENOISER.test(each));
  const denoiser = name === undefined ? undefined : components[name];
  const isGiven = name !== undefined && given.includes(name);
  // A file brings no scheduler: its family's is for the model that was not distilled.
  const withScheduler = isGiven || placeOf(index, 'scheduler').config !== undefined;
  const called = new Set([
    ...(isGiven ? [] : checkpointNames(opened)),
    ...denoiserNames(denoiser, isGiven),
    ...namesIn(opened.sources[name ?? '']),
  ]);
  const byName = presets.find(({ names }) => names.some((each) => called.has(each.toLowerCase())));
  if (byName !== undefined) return { preset: byName, withScheduler };
  if (denoiser === undefined) return undefined;
  const scheduler = isGiven ? {} : await schedulerConfig(index);
  const distilled = !isGiven && index.config['is_distilled'] === true;
  const configs = { pipeline: index.className, denoiser: denoiser.config, scheduler, distilled };
  const byConfig = presets.find(({ saidBy }) => saidBy?.(configs) === true);
  return byConfig && { preset: byConfig, withScheduler };
}

function checkpointNames({ folderOrId, index }: Opened): readonly string[] {
  return [folderOrId.replace(/@[^@/\\]*$/, ''), index.folder, index.config['_name_or_path']].flatMap(namesIn);
}

function denoiserNames(denoiser: Component | undefined, isGiven: boolean): readonly string[] {
  if (denoiser === undefined) return [];
  const { folder, files } = denoiser.checkpoint;
  const places = isGiven ? [folder, ...files] : [];
  return [denoiser.config['_name_or_path'], ...places].flatMap(namesIn);
}

/**
 * What a path or a hub id calls a model, in lower case: its last part, with and without the type of weights, or the one before where that is a component's folder; and the repository in whose cache it lies,
 * `models--stabilityai--sd-turbo/snapshots/…`.
 */
function namesIn(path: unknown): readonly string[] {
  if (typeof path !== 'string') return [];
  const parts = path
    .toLowerCase()
    .split(/[/\\:]/)
    .filter((part) => part !== '');
  if (DENOISER.test(parts.at(-1) ?? '')) parts.pop();
  const cached = parts.flatMap((part) => /^models--[^/]+--(?<name>[^/]+)$/.exec(part)?.groups?.['name'] ?? []);
  const name = (parts.at(-1) ?? '').replace(/\.(?:safetensors|gguf)$/, '');
  return [name, name.replace(STORED_AS, ''), ...cached];
}

/** Of the checkpoint, whether its scheduler was opened or not. */
async function schedulerConfig(index: ModelIndex): Promise<JsonObject> {
  const { scheduler } = index.components;
  if (scheduler == null) return {};
  const { folder, config: placed } = placeOf(index, 'scheduler');
  const config = placed ?? (await readJsonFile(join(folder, 'scheduler_config.json')).catch(() => ({})));
  return { ...config, _class_name: scheduler.className };
}
