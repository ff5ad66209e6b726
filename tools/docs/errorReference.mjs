import { exampleMessage } from './exampleMessage.mjs';

const INTRODUCTION = `# Errors

Every failure that \`@thimble/core\` reports is a \`ThimbleError\` with a \`code\`. Codes are API: they are never renamed or reused. Messages
are for people, and may change; \`error.details\` has what a message says as plain data. Test with \`isThimbleError(error, code)\`, which works
where \`instanceof\` does not: across copies of the package and across realms.

\`\`\`ts
import { DiffusionPipeline, isThimbleError } from '@thimble/core';

try {
  await DiffusionPipeline.fromPretrained('no/such/folder');
} catch (error) {
  if (isThimbleError(error, 'ERR_MODEL_NOT_FOUND')) console.error(error.details.model);
}
\`\`\`

A run that is aborted rejects with the reason of its \`AbortSignal\`, which is no \`ThimbleError\`.

Below, \`‹name›\` in a message stands for the detail of that name.
`;

/**
 * The page docs/reference/errors.md.
 *
 * @param {Readonly<Record<string, { summary: string, message: (details: never) => string }>>} registry
 */
export function errorReference(registry) {
  const codes = Object.keys(registry).sort();
  const index = codes.map((code) => `- [${code}](#${code.toLowerCase()})`).join('\n');
  return `${[INTRODUCTION, `${index}\n`, ...codes.map((code) => entry(code, registry[code]))].join('\n')}`;
}

function entry(code, { summary, message }) {
  return `## ${code}\n\n${summary}\n\n> ${escape(exampleMessage(message))}\n`;
}

function escape(text) {
  return text.replaceAll(/[\\`*_[\]<>]/g, '\\$&');
}
