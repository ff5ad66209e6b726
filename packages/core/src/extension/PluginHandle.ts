import type { Plugin } from './Plugin.js';

/** One plugin installed in one pipeline. With `await using` it is removed at the end of the block. */
export interface PluginHandle extends AsyncDisposable {
  readonly plugin: Plugin;
  readonly name: string;
  /**
   * Takes the plugin out of the pipeline; nothing if it is out already.
   *
   * @throws ThimbleError as `pipe.remove` does.
   */
  remove(): Promise<void>;
}
