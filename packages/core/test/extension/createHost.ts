import { createHooks, hookNames, type Hooks } from '../../src/hooks/manifest.js';
import type { Plugin } from '../../src/extension/Plugin.js';
import type { PluginContext } from '../../src/extension/PluginContext.js';
import { plainCalls } from '../../src/extension/RunCalls.js';
import { PluginHost } from '../../src/extension/PluginHost.js';
import { ServiceRegistry } from '../../src/extension/ServiceRegistry.js';

/** A host with real hooks and services, and what a pipeline would give it. */
export interface TestHost {
  readonly host: PluginHost;
  readonly hooks: Hooks;
  readonly services: ServiceRegistry;
  /** Codes of the warnings given. */
  readonly warnings: string[];
  /** Set to pretend that a run is in progress. */
  busy: boolean;
}

export function createHost(version = '1.2.3'): TestHost {
  const hooks = createHooks();
  const services = new ServiceRegistry();
  const warnings: string[] = [];
  const memory = { residentBytes: 3, anonymousBytes: 2, fileBytes: 1 };
  const pipeline = {
    components: {},
    tokenizers: {},
    plugins: [],
    memoryLimit: undefined,
    calls: plainCalls,
    convolution: 'winograd' as const,
    memory: async () => ({ main: memory, loaded: {} }),
    trim: () => Promise.resolve(),
    warn: (code: string) => void warnings.push(code),
    progress: () => undefined,
  };
  const host = new PluginHost({
    hooks,
    services,
    pipeline,
    version,
    openModel: () => Promise.reject(new Error('no models here')),
    ownComponents: () => undefined,
    busy: () => test.busy,
  });
  const test: TestHost = { host, hooks, services, warnings, busy: false };
  return test;
}

/** A plugin named `name` that does `apply`. */
export function plugin(
  name: string,
  apply: (ctx: PluginContext) => void | Promise<void> = () => undefined,
  more: Partial<Plugin> = {},
): Plugin {
  return { name, apply, ...more };
}

/** Every tap there is, as `hook:tap`. */
export function owners(hooks: Hooks): string[] {
  return hookNames.flatMap((name) => hooks[name].owners().map((tap) => `${name}:${tap.plugin ?? '-'}/${tap.name}`));
}
