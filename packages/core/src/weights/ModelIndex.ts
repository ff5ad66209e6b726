import { checkPath } from '../fields/checkPath.js';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { classNameOf } from './ComponentCheckpoint.js';
import { fileSystemError } from '../disk/fileSystemError.js';
import { readJsonFile } from '../disk/readJsonFile.js';
import type { JsonObject } from '../disk/readJsonFile.js';
import type { PartPlace } from './PartPlace.js';

/** Which class a component of a pipeline has. */
export interface ComponentClass {
  /** `diffusers`, `transformers`, or the name of a module that came with the checkpoint. */
  readonly library: string;
  readonly className: string;
}

/** What a model's folder, or a file of weights, says it is. */
export interface ModelIndex {
  /** The folder; the file, where the model is one. */
  readonly folder: string;
  /** `pipeline`: a folder with `model_index.json`; `model`: one component's folder, with only `config.json`. */
  readonly kind: 'pipeline' | 'model';
  /** The pipeline's or the model's class. */
  readonly className: string;
  /** By name, which is also the name of the subfolder; `null` for an optional component that the checkpoint leaves out. Empty for a single model. */
  readonly components: Readonly<Record<string, ComponentClass | null>>;
  /** The other fields: of `model_index.json` (`requires_safety_checker`, …), or the whole config of a single model. */
  readonly config: JsonObject;
  /** Of parts that lie elsewhere than in a folder of their name. */
  readonly places?: Readonly<Record<string, PartPlace>>;
  /** Names of components that are left out where a file of weights does not have them. */
  readonly optional?: readonly string[];
  /** Keys of a file of weights that belong to no component. */
  readonly unused?: readonly string[];
}

/**
 * Reads what a folder in diffusers' layout holds: a pipeline, or a single model.
 *
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_MODEL_FOLDER_INVALID`, `ERR_JSON_INVALID`
 */
export async function readModelIndex(folder: string): Promise<ModelIndex> {
  checkPath('folder', folder, 'the path of a folder');
  const names = await listNames(folder);
  if (names.includes('model_index.json'))
    return parsePipeline(await realpath(folder), await readJsonFile(join(folder, 'model_index.json')));
  if (names.includes('config.json'))
    return parseModel(await realpath(folder), await readJsonFile(join(folder, 'config.json')));
  throw new ThimbleError('ERR_MODEL_FOLDER_INVALID', {
    folder,
    problem: 'it has neither model_index.json nor config.json',
  });
}

async function listNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw fileSystemError(error, folder, 'read');
  }
}

function parseModel(folder: string, config: JsonObject): ModelIndex {
  const className = classNameOf(config);
  if (className !== undefined) return { folder, kind: 'model', className, components: {}, config };
  throw new ThimbleError('ERR_MODEL_FOLDER_INVALID', {
    folder,
    problem: 'its config.json has neither "_class_name" nor "architectures"',
  });
}

function parsePipeline(folder: string, json: JsonObject): ModelIndex {
  const { _class_name: className, ...fields } = json;
  if (typeof className !== 'string') {
    throw new ThimbleError('ERR_MODEL_FOLDER_INVALID', {
      folder,
      problem: 'its model_index.json has no "_class_name"',
    });
  }
  const components: [string, ComponentClass | null][] = [];
  const config: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (Array.isArray(value)) components.push([name, parseComponent(folder, name, value)]);
    else config.push([name, value]);
  }
  return {
    folder,
    kind: 'pipeline',
    className,
    components: Object.fromEntries(components),
    config: Object.fromEntries(config),
  };
}

function parseComponent(folder: string, name: string, value: readonly unknown[]): ComponentClass | null {
  const [library, className] = value;
  if (!/^\w[\w.-]*$/.test(name)) {
    throw new ThimbleError('ERR_MODEL_FOLDER_INVALID', {
      folder,
      problem: `its model_index.json names a component ${JSON.stringify(name)}, which cannot be a subfolder`,
    });
  }
  if (value.length === 2 && library === null && className === null) return null;
  if (value.length === 2 && typeof library === 'string' && typeof className === 'string') return { library, className };
  throw new ThimbleError('ERR_MODEL_FOLDER_INVALID', {
    folder,
    problem: `its model_index.json describes component "${name}" as ${JSON.stringify(value)} instead of [library, class] or [null, null]`,
  });
}
