/** Describes one kind of failure: what it means, and how its message is made from its details. */
interface ErrorEntry {
  /** One line for the error reference. */
  readonly summary: string;
  /** Says what happened, where, and what to do. */
  readonly message: (details: never) => string;
}

/**
 * Every failure that thimble reports by code. Codes are API: they are never renamed or reused; messages may change.
 */
export const errorRegistry = {
  ERR_CONFIG_UNSUPPORTED: {
    summary: "A component's config asks for something that thimble does not implement.",
    message: (d: { component: string; field: string; value: unknown; supported: string }): string =>
      `${d.component}: config field "${d.field}" is ${JSON.stringify(d.value)}, which is not supported; supported: ${d.supported}.`,
  },
  ERR_CONFIG_INVALID: {
    summary: 'A config field has a value of the wrong type or out of range.',
    message: (d: { component: string; field: string; value: unknown; expected: string }): string =>
      `${d.component}: config field "${d.field}" is ${JSON.stringify(d.value)}; expected ${d.expected}.`,
  },
  ERR_RUNTIME_LOAD: {
    summary: 'ONNX Runtime refused a graph.',
    message: (d: { segment: string; text: string }): string =>
      `${d.segment}: ONNX Runtime could not load the graph: ${d.text}`,
  },
  ERR_RUNTIME_RUN: {
    summary: 'ONNX Runtime failed while it ran a graph.',
    message: (d: { segment: string; text: string }): string => `${d.segment}: ONNX Runtime failed: ${d.text}`,
  },
  ERR_OUT_OF_MEMORY: {
    summary: 'There was not enough memory for an operation.',
    message: (d: { segment: string; text: string }): string =>
      `${d.segment}: not enough memory. Make smaller pictures or fewer at once, or use an offload or tiling plugin. (${d.text})`,
  },
  ERR_DEVICE_UNAVAILABLE: {
    summary: 'The execution provider asked for is not there.',
    message: (d: { provider: string; text: string }): string =>
      `device "${d.provider}" is not available here: ${d.text}. Use device: 'cpu', or install what the provider needs.`,
  },
  ERR_DEVICE_CRASHED: {
    summary: "The device's process ended in the middle of its work.",
    message: (d: { reason: string; stderr: string }): string =>
      `The device's process ended (${d.reason})${d.reason.includes('SIGKILL') ? '; the system may have run out of memory' : ''}. ` +
      `The next call starts a new one.${d.stderr === '' ? '' : ` It said: ${d.stderr}`}`,
  },
  ERR_DEVICE_TENSOR_GONE: {
    summary: 'A tensor handle was used after the tensor was freed.',
    message: (d: { id: number }): string =>
      `Tensor ${d.id} is not on the device any more: it was freed, or the device started anew.`,
  },
  ERR_CANCELLED: {
    summary: 'A run was cancelled; callers see the reason of their AbortSignal instead.',
    message: (_: Record<never, never>): string => 'The run was cancelled.',
  },
  ERR_WEIGHT_MISSING: {
    summary: 'A checkpoint lacks a tensor that its config asks for.',
    message: (d: { component: string; key: string; folder: string; missing: number }): string =>
      `${d.component}: the checkpoint in "${d.folder}" has no tensor "${d.key}"${d.missing > 1 ? ` (and ${d.missing - 1} more are missing)` : ''}. ` +
      'Does config.json belong to these weights? Download the component again.',
  },
  ERR_WEIGHT_SHAPE: {
    summary: 'A tensor of a checkpoint has another shape than its config asks for.',
    message: (d: {
      component: string;
      key: string;
      file: string;
      got: readonly number[];
      expected: readonly number[];
    }): string =>
      `${d.component}: tensor "${d.key}" in "${d.file}" has shape [${d.got.join(', ')}]; config.json asks for [${d.expected.join(', ')}].`,
  },
  ERR_WEIGHT_DTYPE: {
    summary: 'A tensor of a checkpoint has an element type that weights cannot have.',
    message: (d: { component: string; key: string; file: string; got: string; expected: string }): string =>
      `${d.component}: tensor "${d.key}" in "${d.file}" has dtype ${d.got}; weights can be ${d.expected}.`,
  },
  ERR_INPUT_INVALID: {
    summary: 'A component was called with inputs that do not fit it.',
    message: (d: { component: string; entry: string; input: string; got: string; expected: string }): string =>
      `${d.component}.${d.entry}: input "${d.input}" is ${d.got}; expected ${d.expected}.`,
  },
  ERR_ENTRY_UNKNOWN: {
    summary: 'A component does not have the entry point or output that was asked for.',
    message: (d: { component: string; asked: string; available: readonly string[] }): string =>
      `${d.component} has no "${d.asked}"; it has ${d.available.join(', ')}.`,
  },
  ERR_COMPONENT_MISSING: {
    summary: 'A run needs a component that the pipeline does not have.',
    message: (d: { component: string; folder: string; available: readonly string[] }): string =>
      `This needs the component "${d.component}", which was not loaded from "${d.folder}"; loaded: ${d.available.join(', ') || 'none'}.`,
  },
  ERR_COMPONENT_UNSUPPORTED: {
    summary: 'A checkpoint holds a component of a class that thimble does not know.',
    message: (d: { component: string; className: string; supported: readonly string[] }): string =>
      `Component "${d.component}" is a ${d.className}, which is not supported; supported: ${d.supported.join(', ')}. ` +
      'Name the components you need with the option components.',
  },
  ERR_PIPELINE_UNSUPPORTED: {
    summary: 'A checkpoint asks for a pipeline class that thimble does not know.',
    message: (d: { className: string; supported: readonly string[] }): string =>
      `The checkpoint is a ${d.className}, which is not supported; supported: ${d.supported.join(', ')}.`,
  },
  ERR_GENERATE_UNSUPPORTED: {
    summary: 'A pipeline with a single model cannot generate.',
    message: (d: { className: string; folder: string }): string =>
      `"${d.folder}" holds a single ${d.className}: call the component, as in pipe.components; to generate, open a whole checkpoint with model_index.json.`,
  },
  ERR_LATENTS_NAN: {
    summary: 'Latents contain NaN or infinity.',
    message: (d: { where: string }): string =>
      `The latents contain NaN or infinite values ${d.where}. If they came from a model, its weights may be damaged, or not fit its config.`,
  },
  ERR_ARGUMENT_INVALID: {
    summary: 'An argument of a public call has a wrong type, shape or value.',
    message: (d: { argument: string; value: unknown; expected: string }): string =>
      `"${d.argument}" is ${describe(d.value)}; expected ${d.expected}.`,
  },
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
      `"${d.plugin}" failed in hook "${d.hook}": ${d.cause}. The error's cause tells where; report it to its author, or remove the plugin.`,
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
  ERR_CORE_DUPLICATE: {
    summary: 'More than one copy of @thimble/core is loaded, and a plugin may belong to another one than its pipeline.',
    message: (d: { plugin: string; copies: readonly string[] }): string =>
      `plugin "${d.plugin}" cannot be installed while @thimble/core is loaded more than once: ${d.copies.join(', ')}. ` +
      'Run npm dedupe; a plugin has core in its peerDependencies, not in its dependencies.',
  },
  ERR_PLUGIN_IN_USE: {
    summary: 'One plugin instance was given to two pipelines.',
    message: (d: { plugin: string }): string =>
      `this instance of plugin "${d.plugin}" is installed in another pipeline, and keeps state for one; give each pipeline its own: pipe.use(new …()).`,
  },
  ERR_PLUGIN_APPLY: {
    summary: 'A plugin failed while it was installed; it was rolled back, and `cause` is what it threw.',
    message: (d: { plugin: string; cause: string; rollback: readonly string[] }): string =>
      `plugin "${d.plugin}" failed in apply(): ${d.cause}. It is not installed` +
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
  ERR_TRACE_MISMATCH: {
    summary: 'A trace was made for something else than what it is used with.',
    message: (d: { trace: string; what: string; traced: string; now: string }): string =>
      `the trace "${d.trace}" was made for another ${d.what}: ${d.traced}; here it is ${d.now}. Trace the component again.`,
  },
  ERR_TRACE_INVALID: {
    summary: 'A folder does not hold a whole trace.',
    message: (d: { trace: string; problem: string }): string =>
      `"${d.trace}" cannot be used as a trace: ${d.problem}. Trace the component again.`,
  },
  ERR_TRACE_DETACHED: {
    summary: 'A traced model that belongs to no pipeline yet was called.',
    message: (d: { trace: string; component: string }): string =>
      `the traced model "${d.trace}" belongs to no pipeline yet; write pipe.replace('${d.component}', traced) first.`,
  },
  ERR_PIPELINE_BUSY: {
    summary: 'The pipeline cannot be changed at this moment.',
    message: (d: { action: string; during: string }): string =>
      `cannot ${d.action} during ${d.during}; wait for it to end, then try again.`,
  },
  ERR_SERVICE_MISSING: {
    summary: 'Nothing is provided for a token.',
    message: (d: { token: string }): string =>
      `nothing is provided for "${d.token}"; install the plugin that provides it first, or ask with ctx.getAll(token), which may be empty.`,
  },
  ERR_DISPOSED: {
    summary: 'An object was used after it was disposed.',
    message: (d: { object: string }): string => `${d.object} is disposed; create a new one.`,
  },
  ERR_FILE_NOT_FOUND: {
    summary: 'A file or folder that is needed does not exist.',
    message: (d: { path: string }): string =>
      `"${d.path}" does not exist. Check the path; a link may point to a file that was removed.`,
  },
  ERR_FILE_ACCESS: {
    summary: 'The operating system refused to read or write a file.',
    message: (d: { path: string; operation: 'read' | 'write'; reason: string }): string =>
      `Cannot ${d.operation} "${d.path}" (${d.reason}). Check its permissions and who owns it, or choose another folder.`,
  },
  ERR_DISK_FULL: {
    summary: 'The disk has no room for a file that is to be written.',
    message: (d: { path: string; neededBytes?: number; freeBytes?: number }): string =>
      `The disk of "${d.path}" is full${d.neededBytes === undefined ? '' : `: ${d.neededBytes} bytes are needed, ${d.freeBytes} are free`}. ` +
      'Free some space, or choose a folder on another disk.',
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
  ERR_MODEL_FOLDER_INVALID: {
    summary: 'A folder does not hold a model in the layout of diffusers.',
    message: (d: { folder: string; problem: string }): string =>
      `"${d.folder}" is not a model: ${d.problem}. Expected a folder with model_index.json (a pipeline) or config.json with "_class_name" (one model).`,
  },
  ERR_MODEL_NOT_FOUND: {
    summary: 'A model is neither a folder nor on the hub.',
    message: (d: { model: string; folder: string; problem: string }): string =>
      `Model "${d.model}" was not found: there is no folder "${d.folder}", and ${d.problem}. Give the path of a folder, or a hub id "owner/name" or "owner/name@revision".`,
  },
  ERR_HUB_ACCESS: {
    summary: 'The hub refuses access to a model.',
    message: (d: { model: string; endpoint: string; status: number; withToken: boolean }): string =>
      `${d.endpoint} refuses access to "${d.model}" (HTTP ${d.status}). ` +
      (d.withToken
        ? 'The token is not valid there or may not read this model: accept the conditions on its page, or use another token.'
        : 'If the model is private or gated, accept the conditions on its page and set HF_TOKEN to a token that may read it.'),
  },
  ERR_HUB_REQUEST: {
    summary: 'A request to the hub failed.',
    message: (d: { model: string; endpoint: string; what: string; problem: string; status?: number }): string =>
      `Fetching ${d.what} of "${d.model}" from ${d.endpoint} failed: ${d.problem}. Try again later (what was downloaded is kept), or pass the path of a folder.`,
  },
  ERR_HUB_OFFLINE: {
    summary: 'A model is not in the cache, and downloading is switched off.',
    message: (d: { model: string; cache: string; missing: readonly string[]; folder: string }): string =>
      `Model "${d.model}" is not complete in the cache "${d.cache}" (missing: ${d.missing.join(', ')}), there is no folder "${d.folder}", and downloads are off ` +
      '(HF_HUB_OFFLINE or localFilesOnly). Allow downloads once, or pass the path of a folder.',
  },
  ERR_HUB_SETTING_INVALID: {
    summary: 'An environment setting for the hub cannot be used.',
    message: (d: { setting: string; problem: string }): string =>
      `${d.setting} cannot be used: ${d.problem}. Correct it or unset it.`,
  },
  ERR_DOWNLOAD_CORRUPT: {
    summary: 'A downloaded file is not the file that the hub announced.',
    message: (d: { model: string; file: string; problem: string }): string =>
      `"${d.file}" of "${d.model}" was not downloaded correctly: ${d.problem}. The damaged file was removed; try again.`,
  },
  ERR_TENSOR_DTYPE: {
    summary: 'A tensor has another data type than the one that is needed.',
    message: (d: { got: string; expected: string }): string =>
      `a tensor is ${d.got} where ${d.expected} is needed; convert it first.`,
  },
  ERR_TENSOR_SHAPE: {
    summary: 'A tensor has another shape than the one that is needed.',
    message: (d: { got: readonly number[]; expected: readonly number[] | string }): string =>
      `a tensor has the shape [${d.got.join(', ')}] where ${typeof d.expected === 'string' ? d.expected : `[${d.expected.join(', ')}]`} is needed.`,
  },
  ERR_SCHEDULER_UNKNOWN: {
    summary: 'A checkpoint or a call names a scheduler that does not exist here.',
    message: (d: { scheduler: unknown; known: readonly string[] }): string =>
      `there is no scheduler ${describe(d.scheduler)}; choose one of ${d.known.join(', ')}: Name.fromConfig(pipe.scheduler.config).`,
  },
  ERR_SCHEDULER_NOT_STARTED: {
    summary: 'A scheduler was asked for a step before it knew the number of steps.',
    message: (d: { scheduler: string }): string =>
      `${d.scheduler} has no timesteps yet; call setTimesteps(numInferenceSteps) before step().`,
  },
  ERR_SCHEDULER_NO_GENERATOR: {
    summary: 'A scheduler needs noise and was given none to draw from.',
    message: (d: { scheduler: string; why: string }): string =>
      `${d.scheduler} needs noise for this step (${d.why}); pass step(…, { generator: new TorchGenerator(seed) }).`,
  },
  ERR_TOKENIZER_UNSUPPORTED: {
    summary: 'A checkpoint has a tokenizer of a kind that thimble does not have.',
    message: (d: { folder: string; tokenizer: unknown; supported: readonly string[] }): string =>
      `"${d.folder}" holds a tokenizer of the class ${describe(d.tokenizer)}, which is not supported; supported: ${d.supported.join(', ')}.`,
  },
  ERR_TOKENIZER_FILE: {
    summary: 'A file of a tokenizer does not hold what the tokenizer needs.',
    message: (d: { file: string; problem: string }): string =>
      `the tokenizer file "${d.file}" cannot be used: ${d.problem}. It may be damaged or of another model: download it again.`,
  },
  ERR_IMAGE_NAN: {
    summary: 'Pixels are NaN, so that no image can be made of them.',
    message: (d: { image: number; count: number }): string =>
      `image ${d.image} has ${d.count} values that are NaN; decode with another dtype: float16 overflows in some VAEs (use their fixed weights, or dtype float32).`,
  },
  ERR_IMAGE_FORMAT: {
    summary: 'An image was to be written in a format that thimble does not know.',
    message: (d: { format: unknown; supported: readonly string[] }): string =>
      `images cannot be written as ${describe(d.format)}; supported: ${d.supported.join(', ')}.`,
  },
  ERR_IMAGE_ENCODE: {
    summary: 'An image could not be encoded.',
    message: (d: { format: string; reason: string }): string =>
      `the image could not be encoded as ${d.format}: ${d.reason}. Save it as png, which needs no further library and knows no limit of size.`,
  },
  ERR_VIDEO_FORMAT: {
    summary: 'A video was to be written in a format that thimble does not know.',
    message: (d: { format: unknown; supported: readonly string[] }): string =>
      `videos cannot be written as ${describe(d.format)}; supported: ${d.supported.join(', ')}.`,
  },
  ERR_VIDEO_ENCODE: {
    summary: 'A video could not be encoded.',
    message: (d: { format: string; reason: string }): string =>
      `the video could not be encoded as ${d.format}: ${d.reason}.`,
  },
} as const satisfies Record<`ERR_${string}`, ErrorEntry>;

/** The code of a {@link ThimbleError}. */
export type ErrorCode = keyof typeof errorRegistry;

/** What a {@link ThimbleError} of code `C` says about itself; plain data. */
export type ErrorDetails<C extends ErrorCode = ErrorCode> = Parameters<(typeof errorRegistry)[C]['message']>[0];

const BRAND = Symbol.for('thimble.error');

/** A failure with a code from the {@link errorRegistry}. Test with {@link isThimbleError}, not with `instanceof`. */
export class ThimbleError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly details: ErrorDetails<C>;
  readonly [BRAND] = true;

  constructor(code: C, details: ErrorDetails<C>, options?: { cause?: unknown }) {
    super((errorRegistry[code].message as (d: ErrorDetails<C>) => string)(details), options);
    this.name = 'ThimbleError';
    this.code = code;
    this.details = details;
  }
}

/**
 * Whether `error` is a {@link ThimbleError}, and of `code` where one is given. Works across copies of this package and across
 * realms, where `instanceof` does not.
 */
export function isThimbleError<C extends ErrorCode>(error: unknown, code?: C): error is ThimbleError<C> {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as ThimbleError).code === code;
}

function describe(value: unknown): string {
  if (typeof value === 'function') return `a function (${value.name || 'anonymous'})`;
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
