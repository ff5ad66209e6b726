import type { ErrorDefinitions } from './ErrorDefinition.js';

/** Failures of hooks and plugins. */
export const pluginErrors = {
  ERR_HOOK_CYCLE: {
    summary: 'The before/after wishes of the taps on one hook contradict each other.',
    message: (d: { hook: string; members: readonly string[] }): string =>
      `hook "${d.hook}": ${[...d.members, d.members[0]].join(' → ')} each have to run before the next; drop one "before" or "after" among them.`,
  },
  ERR_HOOK_SYNC: {
    summary: 'A tap on a synchronous hook returned a promise.',
    message: (d: { plugin: string; hook: string }): string =>
      `"${d.plugin}" tapped "${d.hook}" with an async function, but "${d.hook}" is synchronous; return the value itself, and await in apply() before tapping.`,
  },
  ERR_PLUGIN_HOOK: {
    summary: 'A tap failed; `cause` is what it threw.',
    message: (d: { plugin: string; hook: string; cause: string }): string =>
      `"${d.plugin}" failed in hook "${d.hook}": ${sentence(d.cause)} The error's cause tells where; report it to its author, or remove the plugin.`,
  },
  ERR_SAMPLE_ROWS: {
    summary: 'The parts in which a plugin decodes or encodes a picture do not add up to it.',
    message: (d: { problem: string }): string =>
      `The parts of a picture do not add up to it: ${d.problem}. A plugin that decodes or encodes in parts gave them; report it to its author, or remove the plugin.`,
  },
  ERR_PLUGIN_CLASS: {
    summary: 'A class or function was given where a plugin instance is needed.',
    message: (d: { name: string; write: string }): string => `"${d.name}" is not a plugin instance; write ${d.write}.`,
  },
  ERR_PLUGIN_STRING: {
    summary: 'A name was given where a plugin instance is needed.',
    message: (d: { name: string }): string =>
      `plugins are not looked up by name ("${d.name}"); import the class and write pipe.use(new ModelOffloadPlugin()).`,
  },
  ERR_PLUGIN_FALSY: {
    summary: 'An empty value was given where a plugin instance is needed.',
    message: (d: { value: string }): string =>
      `pipe.use(${d.value}) installs nothing; for an optional plugin write if (wanted) await pipe.use(new ModelOffloadPlugin()).`,
  },
  ERR_PLUGIN_INVALID: {
    summary: 'An object does not have the shape of a plugin.',
    message: (d: { plugin: string; problem: string; write: string }): string =>
      `${d.plugin} is not a plugin: ${d.problem}; write ${d.write}.`,
  },
  ERR_PLUGIN_DUPLICATE: {
    summary: 'A plugin of the same name is already installed.',
    message: (d: { plugin: string }): string =>
      `plugin "${d.plugin}" is already installed; to replace it write await pipe.remove("${d.plugin}") first.`,
  },
  ERR_PLUGIN_CONFLICT: {
    summary: 'Two plugins claim what only one may own.',
    message: (d: { plugin: string; claim: string; holder: string }): string =>
      `plugins "${d.plugin}" and "${d.holder}" both own "${d.claim}", which only one may; write await pipe.remove("${d.holder}") first.`,
  },
  ERR_PLUGIN_REQUIRES: {
    summary: 'A plugin needs another one that is not installed.',
    message: (d: { plugin: string; missing: readonly string[] }): string =>
      `plugin "${d.plugin}" requires ${d.missing.map((name) => `"${name}"`).join(', ')}; write await pipe.use(…) for each before it.`,
  },
  ERR_PLUGIN_ENGINE: {
    summary: 'A plugin was written for another version of @thimble/core.',
    message: (d: { plugin: string; range: string; version: string }): string =>
      `plugin "${d.plugin}" is for @thimble/core ${d.range}, and this is ${d.version}; install a release of the plugin made for it, or @thimble/core@"${d.range}".`,
  },
  ERR_PLUGIN_IN_USE: {
    summary: 'One plugin instance was given to two pipelines.',
    message: (d: { plugin: string }): string =>
      `this instance of plugin "${d.plugin}" is installed in another pipeline, and keeps state for one; give each pipeline its own: pipe.use(new …()).`,
  },
  ERR_PLUGIN_APPLY: {
    summary: 'A plugin failed while it was installed; it was rolled back, and `cause` is what it threw.',
    message: (d: { plugin: string; cause: string; rollback: readonly string[] }): string =>
      `plugin "${d.plugin}" failed in apply(): ${sentence(d.cause)} It is not installed` +
      (d.rollback.length === 0 ? '.' : `, but undoing it failed too: ${d.rollback.join('; ')}.`),
  },
  ERR_PLUGIN_REMOVE: {
    summary: 'A plugin was removed, but some of its clean-up failed; `cause` is an AggregateError of what was thrown.',
    message: (d: { plugin: string; failures: readonly string[] }): string =>
      `plugin "${d.plugin}" is removed, but its clean-up failed: ${d.failures.join('; ')}.`,
  },
  ERR_PLUGIN_REQUIRED: {
    summary: 'A plugin cannot be removed while another one requires it.',
    message: (d: { plugin: string; by: readonly string[] }): string =>
      `plugin "${d.plugin}" is required by ${d.by.map((name) => `"${name}"`).join(', ')}; write await pipe.remove("${d.by[0]}") first.`,
  },
  ERR_PLUGIN_UNKNOWN: {
    summary: 'A plugin to remove is not installed.',
    message: (d: { plugin: string; installed: readonly string[] }): string =>
      `plugin "${d.plugin}" is not installed here; installed: ${d.installed.join(', ') || 'none'}.`,
  },
  ERR_PLUGIN_REMOVED: {
    summary: 'A plugin used its context after it was removed.',
    message: (d: { plugin: string; action: string }): string =>
      `plugin "${d.plugin}" called ${d.action} after it was removed; stop its timers and listeners in ctx.onRemove().`,
  },
  ERR_CORE_DUPLICATE: {
    summary: 'More than one copy of @thimble/core is loaded, and a plugin may belong to another one than its pipeline.',
    message: (d: { plugin: string; copies: readonly string[] }): string =>
      `plugin "${d.plugin}" cannot be installed while @thimble/core is loaded more than once: ${d.copies.join(', ')}. ` +
      'Run npm dedupe; a plugin has core in its peerDependencies, not in its dependencies.',
  },
  ERR_SERVICE_MISSING: {
    summary: 'Nothing is provided for a token.',
    message: (d: { token: string }): string =>
      `nothing is provided for "${d.token}"; install the plugin that provides it first, or ask with ctx.getAll(token), which may be empty.`,
  },
} as const satisfies ErrorDefinitions;

/** With one full stop at its end. */
function sentence(text: string): string {
  return `${String(text).trimEnd().replace(/\.+$/, '')}.`;
}
