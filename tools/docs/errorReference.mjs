import { exampleMessage } from './exampleMessage.mjs';

const INTRODUCTION = `# Errors

Every failure that \`@thimble/core\` or an official plugin reports is a \`ThimbleError\` with a \`code\`. Codes are API: they are never renamed or reused. Messages
are for people, and may change; \`error.details\` has what a message says as plain data. Test with \`isThimbleError(error, code)\`, which works
where \`instanceof\` does not: across copies of the package and across realms. Plugins define theirs with \`defineErrors\`.

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
 * The codes of packages, each with the package that it is of.
 *
 * @param {readonly { readonly name: string, readonly exports: object }[]} packages what each one's entry exports: core's registry, and errors that plugins defined
 */
export function errorsOf(packages) {
  return Object.fromEntries(
    packages.flatMap(({ name, exports }) => {
      const defined = Object.values(exports).flatMap((value) => (isDefinedErrors(value) ? [value.definitions] : []));
      return [exports.errorRegistry ?? {}, ...defined].flatMap((definitions) =>
        Object.entries(definitions).map(([code, definition]) => [code, { ...definition, package: name }]),
      );
    }),
  );
}

function isDefinedErrors(value) {
  return typeof value === 'function' && typeof value.author === 'string' && typeof value.definitions === 'object';
}

/**
 * The page docs/reference/errors.md.
 *
 * @param {ReturnType<typeof errorsOf>} errors
 */
export function errorReference(errors) {
  const codes = Object.keys(errors).sort();
  const index = codes.map((code) => `- [${code}](#${code.toLowerCase()})`).join('\n');
  return `${[INTRODUCTION, `${index}\n`, ...codes.map((code) => entry(code, errors[code]))].join('\n')}`;
}

function entry(code, { summary, message, package: name }) {
  const whose = name === '@thimble/core' ? '' : ` Of \`${name}\`.`;
  return `## ${code}\n\n${summary}${whose}\n\n> ${escape(exampleMessage(message))}\n`;
}

function escape(text) {
  return text.replaceAll(/[\\`*_[\]<>]/g, '\\$&');
}
