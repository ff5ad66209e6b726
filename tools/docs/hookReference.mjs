import { readdirSync } from 'node:fs';

const SOURCES = new URL('../../packages/core/src/', import.meta.url);

const INTRODUCTION = `# Hooks

Every hook of a pipeline, in the order in which a run meets them. A plugin taps them through its context, an application through
\`pipe.hooks\`:

\`\`\`ts
import { type Plugin } from '@thimble/core';
import { Stage } from '@thimble/core/plugin';

export const logger: Plugin = {
  name: 'me:logger',
  apply({ hooks }) {
    hooks.beforeStep.tap('log', (step) => console.log(step.index));
    hooks.afterStep.tap({ name: 'late', stage: Stage.Late, after: 'thimble:model-offload' }, async ({ timestep }) => console.log(timestep));
  },
};
\`\`\`

Taps run by \`stage\`, lower ones first, then in the order in which they were registered; \`before\` and \`after\` name taps or plugins, and come
before the stage. \`tap()\` returns a \`Disposable\`; what a plugin taps is removed with the plugin. A tap that throws makes the call fail with
[\`ERR_PLUGIN_HOOK\`](errors.md#err_plugin_hook), which names the plugin and the hook.

- **Series**: the taps run one after the other, each awaited, on one object that they may change.
- **Waterfall**: the taps run one after the other and synchronously; each gets the value that the one before returned.
`;

/**
 * The page docs/reference/hooks.md.
 *
 * @param {Readonly<Record<string, import('@thimble/core').HookDeclaration>>} manifest
 */
export function hookReference(manifest) {
  const rows = Object.entries(manifest).map(
    ([name, { kind, payload }]) => `| [\`${name}\`](#${name.toLowerCase()}) | ${kind} | \`${payload}\` |`,
  );
  const table = `| hook | kind | payload |\n|---|---|---|\n${rows.join('\n')}\n`;
  return [INTRODUCTION, table, ...Object.entries(manifest).map(([name, declaration]) => entry(name, declaration))].join(
    '\n',
  );
}

function entry(name, declaration) {
  const { when, may } = declaration;
  return `## ${name}\n\n${when}\n\n- **Kind:** ${kindOf(declaration)}\n- **Payload:** ${payloadOf(declaration)}\n- **A tap may:** ${may}\n`;
}

function kindOf({ kind, settle }) {
  if (kind === 'waterfall') return 'synchronous waterfall';
  return settle ? 'async series; every tap runs, even if one fails' : 'async series';
}

function payloadOf({ payload, context }) {
  return context === undefined ? linkTo(payload) : `${linkTo(payload)}, and ${linkTo(context)} as second argument`;
}

/** A type, linked to the file that is named after it. */
function linkTo(type) {
  const file = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).find((path) =>
    new RegExp(`(^|/)${type}\\.ts$`).test(path),
  );
  if (file === undefined) throw new Error(`no file of core is named after ${type}, which hooks pass`);
  return `[\`${type}\`](../../packages/core/src/${file})`;
}
