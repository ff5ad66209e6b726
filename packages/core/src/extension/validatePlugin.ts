import { ThimbleError } from '../errors.js';
import { VERSION } from '../version.js';
import type { Plugin } from './Plugin.js';

/**
 * Checks that `value` has the shape of a plugin. Checks structure, not class: a plugin may come with its own copy of this package.
 *
 * @throws ThimbleError `ERR_PLUGIN_FALSY`, `ERR_PLUGIN_STRING`, `ERR_PLUGIN_CLASS` or `ERR_PLUGIN_INVALID`, each with the line to
 * write instead.
 */
export function validatePlugin(value: unknown): asserts value is Plugin {
  if (typeof value === 'string' && value !== '') throw new ThimbleError('ERR_PLUGIN_STRING', { name: value });
  if (!value) throw new ThimbleError('ERR_PLUGIN_FALSY', { value: value === '' ? "''" : String(value) });
  if (typeof value === 'function') throw notAnInstance(value);
  if (typeof value !== 'object') throw invalid(`a ${typeof value}`, 'it is no object');
  validateObject(value);
}

function validateObject(value: object): void {
  const { name, apply, engines, claims, requires } = value as Partial<Record<keyof Plugin, unknown>>;
  if ('then' in value) throw invalid('a promise', 'it has not arrived yet', 'pipe.use(await …)');
  if (Array.isArray(value))
    throw invalid('an array', 'use takes one', 'for (const plugin of plugins) await pipe.use(plugin)');
  const title = typeof name === 'string' && name !== '' ? `"${name}"` : 'the object';
  if (typeof apply !== 'function') throw invalid(title, 'it has no apply method');
  if (title === 'the object')
    throw invalid(title, 'its name is missing', "readonly name = 'me:my-plugin' in its class");
  if (engines !== undefined && !isEngines(engines))
    throw invalid(title, 'its engines are malformed', `engines = { thimble: '^${VERSION}' }`);
  if (claims !== undefined && !isNames(claims))
    throw invalid(title, 'its claims are no list of names', "claims = ['residency']");
  if (requires !== undefined && !isNames(requires)) {
    throw invalid(title, 'its requires is no list of names', "requires = ['thimble:model-offload']");
  }
}

function notAnInstance(value: { readonly name: string; readonly prototype?: unknown }): ThimbleError {
  const name = value.name || 'anonymous';
  return new ThimbleError('ERR_PLUGIN_CLASS', { name, write: `pipe.use(${isClass(value) ? 'new ' : ''}${name}())` });
}

/** Every function has an `apply`, so look for the plugin's own, on what instances would inherit. */
function isClass(value: { readonly prototype?: unknown }): boolean {
  const { prototype } = value;
  const applies = typeof prototype === 'object' && prototype !== null && 'apply' in prototype;
  return applies || /^class\b/.test(Function.prototype.toString.call(value));
}

function isEngines(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'thimble' in value && typeof value.thimble === 'string';
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '');
}

function invalid(plugin: string, problem: string, write = 'pipe.use(new ModelOffloadPlugin())'): ThimbleError {
  return new ThimbleError('ERR_PLUGIN_INVALID', { plugin, problem, write });
}
