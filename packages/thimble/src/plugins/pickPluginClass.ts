import type { Plugin } from '@thimble/core';
import { CliError } from '../CliError.js';
import type { PluginSpec } from './parsePluginSpec.js';

/** A plugin's class, as far as the command line knows it. */
export type PluginClass = new (options?: object) => Plugin;

/** A plugin's class, and the name that it is exported by. */
export interface ExportedPlugin {
  readonly name: string;
  readonly Class: PluginClass;
}

/** The plugin's class among the exports of its package: the one asked for, or the only one. @throws ERR_PLUGIN_EXPORT */
export function pickPluginClass(
  exports: Readonly<Record<string, unknown>>,
  spec: Pick<PluginSpec, 'package' | 'export'>,
): ExportedPlugin {
  const plugins = pluginClasses(exports);
  const fail = (problem: string): never => {
    throw new CliError('ERR_PLUGIN_EXPORT', {
      package: spec.package,
      problem,
      exports: Object.keys(exports),
      plugins: plugins.map(({ name }) => name),
    });
  };
  if (spec.export !== undefined)
    return asked(exports[spec.export], spec.export) ?? fail(`"${spec.export}" is no class that it exports`);
  const [only, ...others] = plugins;
  if (only === undefined) return fail('no class among its exports is a plugin, with a method apply(ctx)');
  return others.length === 0 ? only : fail('it has more than one plugin');
}

/** Each class once, though it may be exported by several names; its own name before `default`. */
function pluginClasses(exports: Readonly<Record<string, unknown>>): ExportedPlugin[] {
  const found = new Map<unknown, ExportedPlugin>();
  const { default: byDefault, ...named } = exports;
  for (const [name, value] of [...Object.entries(named), ['default', byDefault] as const]) {
    if (!found.has(value) && isClass(value) && 'apply' in value.prototype) found.set(value, { name, Class: value });
  }
  return [...found.values()];
}

function asked(value: unknown, name: string): ExportedPlugin | undefined {
  return isClass(value) ? { name, Class: value } : undefined;
}

function isClass(value: unknown): value is PluginClass & { readonly prototype: object } {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  return typeof prototype === 'object' && prototype !== null;
}
