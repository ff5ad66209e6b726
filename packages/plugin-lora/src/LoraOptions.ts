import { basename, extname } from 'node:path';
import {
  booleanField,
  choiceField,
  type Field,
  type FieldValues,
  objectField,
  optional,
  type OptionsOf,
  textField,
} from '@thimble/core/model';
import { checkOptionNames, componentNamesField, readOptions, refuseOption } from '@thimble/core/plugin';

/** One scale, or one for each layer that attends. */
type LayerScales = number | readonly number[];

/** Scales of parts of a UNet: diffusers' weights per block. `block_1` is the UNet's own count; a list has one for each layer of the block that attends. */
export interface LoraBlockScales {
  readonly down?: number | Readonly<Record<string, LayerScales>>;
  readonly mid?: number;
  readonly up?: number | Readonly<Record<string, LayerScales>>;
}

/** How strong a LoRA is: a number, or one for each component by name; 1 for what is not named. */
export type LoraScale = number | Readonly<Record<string, number | LoraBlockScales>>;

/** What every LoRA may be given. */
export const adapterFields = {
  /** Path of a safetensors file, or of a folder with `pytorch_lora_weights.safetensors`. */
  file: optional(textField('', 'the path of a file', 1)),
  /** A file on the hub, in place of `file`: `owner/name:path/file.safetensors`, or its address. */
  id: optional(textField('', 'a file on the hub, such as "owner/name:file.safetensors"', 1)),
  /** What it is called in {@link LoraPlugin.setScales} and in reports. Default: the file's name without its ending. */
  name: optional(textField('', 'a name', 1)),
  /** How strong it is: a number, 1 by default, or numbers by components and blocks, as `{ unet: { down: 0.3, up: { block_1: [0.2, 0.5, 0.9] } } }`. */
  scale: scaleField(),
  /** Names of the components that it may change. Default: all that it names. */
  components: componentNamesField(),
};

/** One LoRA. */
export type LoraAdapterOptions = OptionsOf<typeof adapterFields>;

/** {@link LoraAdapterOptions}, checked. */
export type CheckedAdapter = FieldValues<typeof adapterFields>;

/** How LoRAs are used. */
export const loraFields = {
  /**
   * `branch` (default): products of small matrices beside each layer; their weights are mapped from the file, scales change at once, and it works on whatever the layer is
   * stored in. `fuse`: layers with the LoRA merged in, made once and kept in the cache of derived weights; a step costs nothing more, and another scale makes them anew.
   */
  mode: choiceField('branch', ['branch', 'fuse']),
  /** Look for files of the hub in its cache on disk alone. */
  localFilesOnly: booleanField(false),
};

/** Options of a {@link LoraPlugin} beside the LoRAs. */
export type LoraOptions = OptionsOf<typeof loraFields>;

/** What a LoRA is called. */
export function nameOf({ name, file, id }: Pick<CheckedAdapter, 'name' | 'file' | 'id'>): string {
  if (name !== undefined) return name;
  const last = basename((file ?? id ?? '').replace(/^.*:/, ''));
  return basename(last, extname(last));
}

/** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option, and for two of one name */
export function checkAdapters(adapters: readonly LoraAdapterOptions[]): readonly CheckedAdapter[] {
  if (!Array.isArray(adapters) || adapters.length === 0) {
    // A single object is most likely one adapter, or options: its own names say what is wrong.
    if (typeof adapters === 'object' && adapters !== null && !Array.isArray(adapters))
      checkOptionNames(adapters, Object.keys(adapterFields), 'LoraPlugin');
    refuseOption('adapters', adapters, "a list of at least one LoRA: [{ file: 'lora.safetensors' }]");
  }
  const names = new Set<string>();
  return adapters.map((adapter: LoraAdapterOptions) => {
    const checked = readOptions(adapter, adapterFields, 'LoraPlugin');
    if ((checked.file === undefined) === (checked.id === undefined))
      refuseOption('file', checked.file, 'file or id, one of them');
    const name = nameOf(checked);
    if (names.has(name)) refuseOption('name', name, 'a name for each LoRA: two of them have this one');
    names.add(name);
    return checked;
  });
}

/** @throws ThimbleError ERR_ARGUMENT_INVALID for what is no scale */
export function checkScale(name: string, scale: unknown): LoraScale {
  if (!isScale(scale)) refuseOption(name, scale, scaleField().expected);
  return scale;
}

function scaleField(): Field<LoraScale> {
  const field = objectField<LoraScale>(
    'LoraScale',
    'a number, or numbers by component: { unet: 0.8, text_encoder: 0.5 }',
    isScale,
  );
  return { ...(field as Field<LoraScale>), default: 1, parse: Number };
}

function isScale(value: unknown): value is LoraScale {
  return Number.isFinite(value) || (isRecord(value) && Object.values(value).every(isComponentScale));
}

function isComponentScale(value: unknown): boolean {
  if (Number.isFinite(value)) return true;
  if (!isRecord(value)) return false;
  return Object.entries(value).every(([way, scale]) => {
    if (way !== 'down' && way !== 'mid' && way !== 'up') return false;
    if (Number.isFinite(scale)) return true;
    return way !== 'mid' && isRecord(scale) && Object.entries(scale).every(isBlockScale);
  });
}

function isBlockScale([block, scale]: readonly [string, unknown]): boolean {
  return (
    /^block_\d+$/.test(block) && (Number.isFinite(scale) || (Array.isArray(scale) && scale.every(Number.isFinite)))
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
