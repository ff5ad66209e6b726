import type { ErrorDefinitions } from './ErrorDefinition.js';

/** Failures of files and of what they hold. */
export const fileErrors = {
  ERR_FILE_NOT_FOUND: {
    summary: 'A file or folder that is needed does not exist.',
    message: (d: { path: string }): string =>
      `"${d.path}" does not exist. Check the path; a link may point to a file that was removed.`,
  },
  ERR_FILE_ACCESS: {
    summary: 'The operating system refused to read or write a file.',
    message: (d: { path: string; operation: 'read' | 'write'; reason: string; setting?: string }): string =>
      `Cannot ${d.operation} "${d.path}" (${d.reason}). Check its permissions and who owns it, or choose another folder${by(d.setting)}.`,
  },
  ERR_DISK_FULL: {
    summary: 'The disk has no room for a file that is to be written.',
    message: (d: { path: string; neededBytes?: number; freeBytes?: number; setting?: string }): string =>
      `The disk of "${d.path}" is full${d.neededBytes === undefined ? '' : `: ${d.neededBytes} bytes are needed, ${d.freeBytes} are free`}. ` +
      `Free some space, or choose a folder on another disk${by(d.setting)}.`,
  },
  ERR_LINK_OUTSIDE: {
    summary: "A link in a checkpoint's folder leads outside of it.",
    message: (d: { folder: string; path: string; target: string }): string =>
      `"${d.path}" in "${d.folder}" is a link to "${d.target}", outside of the checkpoint, and is not followed. Put the file itself there; or, if you made the link, allow it: allowSymlinks: true (--allow-symlinks).`,
  },
  ERR_CACHE_IN_USE: {
    summary: 'What was to be removed from a cache is in use.',
    message: (d: { name: string }): string =>
      `"${d.name}" is in use by a running program, and stays in the cache. Try again when that has ended.`,
  },
  ERR_CACHE_UNKNOWN: {
    summary: 'A cache does not hold what was to be removed from it.',
    message: (d: { name: string; folder: string }): string => `"${d.folder}" has no "${d.name}". List what it has.`,
  },
  ERR_JSON_INVALID: {
    summary: 'A JSON file cannot be parsed, or does not hold an object.',
    message: (d: { file: string; line: number; column: number; problem: string }): string =>
      `"${d.file}" is not valid JSON at line ${d.line}, column ${d.column}: ${d.problem}. Correct it, or download the file again.`,
  },
  ERR_SAFETENSORS_HEADER: {
    summary: 'A file is not a well-formed safetensors file.',
    message: (d: { file: string; problem: string }): string =>
      `"${d.file}" is not a valid safetensors file: ${d.problem}. It may be damaged or cut off: download it again.`,
  },
  ERR_SAFETENSORS_TENSOR: {
    summary: 'A safetensors file describes one of its tensors wrongly.',
    message: (d: { file: string; tensor: string; problem: string }): string =>
      `Tensor "${d.tensor}" in "${d.file}": ${d.problem}. The file may be damaged or cut off: download it again.`,
  },
  ERR_PICKLE_REFUSED: {
    summary: 'A checkpoint is a pickle of Python (.ckpt, .pt, .bin), which runs code when it is read.',
    message: (d: { file: string; conversion: string }): string =>
      `"${d.file}" is a pickle of Python: reading it runs whatever code it holds, so thimble does not. If you trust it, convert it once, with its keys as they are: ${d.conversion}`,
  },
  ERR_TENSOR_FILE_UNKNOWN: {
    summary: 'A file that should hold tensors is of no format that is known.',
    message: (d: { file: string; formats: readonly string[] }): string =>
      `"${d.file}" is no file of tensors that can be opened; formats: ${d.formats.join(', ')}. Give a checkpoint in one of them; others come with plugins.`,
  },
  ERR_CHECKPOINT_OTHER: {
    summary: 'A file that was given as a model is something else, such as a LoRA or a ControlNet.',
    message: (d: { file: string; kind: string; key: string; instead: string }): string =>
      `"${d.file}" is ${d.kind}, not a model that makes pictures (it has a tensor "${d.key}"): ${d.instead}.`,
  },
  ERR_CHECKPOINT_UNKNOWN: {
    summary: 'The tensors of a file are of no model that is known by them.',
    message: (d: { file: string; problem: string }): string =>
      `What model "${d.file}" holds cannot be told: ${d.problem}. Give its configuration with the option config (--config): a folder in diffusers' layout, or the hub id of one.`,
  },
  ERR_CHECKPOINT_AMBIGUOUS: {
    summary: 'The tensors of a file fit several models alike.',
    message: (d: { file: string; families: readonly string[]; titles: readonly string[] }): string =>
      `"${d.file}" may be of ${d.titles.join(' or of ')}, whose tensors are alike. Say which with the option config (--config): ${d.families.map((name) => `"${name}"`).join(' or ')}; or open it in place of a model's own, with the option components (--component).`,
  },
  ERR_CHECKPOINT_INCOMPLETE: {
    summary: 'A file holds some components of a model, but not all that its pipeline needs.',
    message: (d: { file: string; className: string; has: readonly string[]; missing: readonly string[] }): string =>
      `"${d.file}" holds ${d.has.join(', ')} of a ${d.className}; ${d.missing.join(', ')} ${d.missing.length === 1 ? 'is' : 'are'} missing. Give ${d.missing.length === 1 ? 'it' : 'them'} with the option components (--component ${d.missing[0]}=FILE), or name those to load alone: components: [${d.has.map((name) => `'${name}'`).join(', ')}].`,
  },
  ERR_DTYPE_UNSUPPORTED: {
    summary: 'A tensor is stored in a data type that thimble does not know.',
    message: (d: { file: string; tensor: string; dtype: string; supported: string }): string =>
      `Tensor "${d.tensor}" in "${d.file}" has dtype "${d.dtype}", which is not supported; supported: ${d.supported}. Use a checkpoint stored in one of those.`,
  },
  ERR_TENSOR_NOT_FOUND: {
    summary: 'A tensor that is asked for is not in the file.',
    message: (d: { file: string; tensor: string; count: number }): string =>
      `"${d.file}" has no tensor "${d.tensor}" among its ${d.count}. Check the name, and that the file belongs to this model.`,
  },
  ERR_SHARD_INDEX_INVALID: {
    summary: 'The index of a sharded checkpoint is malformed, contradicts its shards or leaves its folder.',
    message: (d: { file: string; problem: string }): string =>
      `The shard index "${d.file}" is not valid: ${d.problem}. Download the index and its shards again.`,
  },
  ERR_SHARD_MISSING: {
    summary: 'A file that the index of a sharded checkpoint lists is not there.',
    message: (d: { file: string; shard: string }): string =>
      `The shard "${d.shard}" that "${d.file}" lists is missing. Download it into the same folder.`,
  },
  ERR_WEIGHTS_NOT_FOUND: {
    summary: 'A component has no weights that can be loaded.',
    message: (d: {
      folder: string;
      lookedFor: readonly string[];
      variants: readonly string[];
      unsupported: readonly string[];
    }): string =>
      `No weights in "${d.folder}"; looked for ${d.lookedFor.join(', ')}.` +
      (d.variants.length > 0 ? ` It has the variants ${d.variants.join(', ')}: pass one as "variant".` : '') +
      (d.unsupported.length > 0
        ? ` It has ${d.unsupported.join(', ')}, a format that is not supported: convert it to safetensors, or use a revision that has them.`
        : '') +
      (d.variants.length + d.unsupported.length === 0 ? ' Download the weights, or check the path.' : ''),
  },
  ERR_WEIGHTS_APART: {
    summary: 'Weights that one graph needs are on different drives of Windows, where no folder holds both.',
    message: (d: { folders: readonly [string, string] }): string =>
      `"${d.folders[0]}" and "${d.folders[1]}" are on different drives, and a graph's weights must be on one. Move the checkpoint, or choose a cache beside it by THIMBLE_CACHE.`,
  },
  ERR_MODEL_FOLDER_INVALID: {
    summary: 'A folder does not hold a model in the layout of diffusers.',
    message: (d: { folder: string; problem: string }): string =>
      `"${d.folder}" is not a model: ${d.problem}. Expected a folder with model_index.json (a pipeline) or config.json with "_class_name" (one model).`,
  },
} as const satisfies ErrorDefinitions;

/** How a folder is chosen. */
function by(setting: string | undefined): string {
  return setting === undefined ? '' : ` by ${setting}`;
}
