import { basename, dirname } from 'node:path';
import { oneLine } from '../progress/progressLine.js';
import { type CachedModel, cachedModels } from '@thimble/core/model';
import { type CachedWeights, DerivedWeightsCache, type EntryOrigin, readCacheSettings } from '@thimble/core/plugin';

/** What lies in the caches: models of the hub, which other programs share, and weights that thimble made. */
export interface CacheReport {
  readonly models: readonly CachedModel[];
  readonly weights: readonly (CachedWeights & { readonly madeOf: string })[];
  /** Bytes. */
  readonly modelBytes: number;
  readonly weightBytes: number;
  /** From how many bytes on made weights that were not used for long are removed. */
  readonly weightLimit: number;
  /** The folder of made weights. */
  readonly folder: string;
}

/** Some list every tensor. */
const LONGEST_RECIPE = 40;

/** Digits of a key that people are shown, and can give. */
export const SHORT_KEY = 12;

/** Looks into both caches. @throws ERR_FILE_ACCESS */
export async function reportCache(): Promise<CacheReport> {
  const settings = readCacheSettings(process.env);
  const models = await cachedModels();
  const weights = await new DerivedWeightsCache(settings).list();
  return {
    models,
    weights: weights.map((entry) => ({ ...entry, madeOf: madeOf(entry.origin) })),
    modelBytes: sum(models.map(({ bytes }) => bytes)),
    weightBytes: sum(weights.map(({ bytes }) => bytes)),
    weightLimit: settings.maxBytes,
    folder: settings.folder,
  };
}

/** `owner/name unet, layerwise-casting/1 float8_e4m3fn` */
function madeOf(origin: EntryOrigin | undefined): string {
  if (origin === undefined) return '';
  const parts = [...new Set(origin.files.map(partOf))];
  return [...parts, oneLine(origin.recipe, LONGEST_RECIPE)].join(', ');
}

/** The model and the part that a file of weights belongs to. */
function partOf(file: string): string {
  const folder = dirname(file);
  const [, owner, name] = /models--([^/\\]+?)--([^/\\]+)[/\\]/.exec(file) ?? [];
  return `${owner === undefined ? basename(dirname(folder)) : `${owner}/${name}`} ${basename(folder)}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
