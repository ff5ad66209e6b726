// The public API of @thimble/plugin-channels-last.
export { ChannelsLastPlugin } from './ChannelsLastPlugin.js';
export type { ChannelsLastOptions } from './ChannelsLastPlugin.js';
