import type { Plugin } from '@thimble/core';
import { CliError } from '../CliError.js';
import { parsePluginOptions } from './parsePluginOptions.js';
import type { PluginSpec } from './parsePluginSpec.js';
import { pickPluginClass } from './pickPluginClass.js';
import { resolvePackage } from './resolvePackage.js';

/**
 * Imports a plugin's package and makes its instance.
 *
 * @throws ERR_USAGE for options that are no JSON object; ERR_PLUGIN_PACKAGE_NOT_FOUND, ERR_PLUGIN_PACKAGE_BROKEN, ERR_PLUGIN_EXPORT,
 * ERR_PLUGIN_OPTIONS
 */
export async function loadPlugin(spec: PluginSpec): Promise<Plugin> {
  const options = parsePluginOptions(spec);
  const { name, Class } = pickPluginClass(await importPackage(spec.package), spec);
  try {
    return options === undefined ? new Class() : new Class(options);
  } catch (error) {
    throw new CliError(
      'ERR_PLUGIN_OPTIONS',
      { package: spec.package, export: name, reason: reasonOf(error) },
      { cause: error },
    );
  }
}

async function importPackage(name: string): Promise<Readonly<Record<string, unknown>>> {
  const url = resolvePackage(name);
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    throw new CliError('ERR_PLUGIN_PACKAGE_BROKEN', { package: name, reason: reasonOf(error) }, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
