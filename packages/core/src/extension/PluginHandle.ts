import type { Plugin } from './Plugin.js';
import type { PluginRecord } from './PluginRecord.js';

/** One plugin installed in one pipeline. With `await using` it is removed at the end of the block. */
export interface PluginHandle extends PluginRecord, AsyncDisposable {
  readonly plugin: Plugin;
}
