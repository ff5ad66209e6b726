import { type Command, InvalidArgumentError, Option } from 'commander';
import { computeFields } from '@thimble/core/model';
import { parsePluginSpec, type PluginSpec } from '../plugins/parsePluginSpec.js';
import { type LoraSetting, parseLoraSetting } from './parseLoraSetting.js';
import { type ComponentSetting, parseComponentSetting } from './parseComponentSetting.js';
import { type ControlSetting, parseControlSetting } from './parseControlSetting.js';
import { type EmbeddingSetting, parseEmbeddingSetting } from './parseEmbeddingSetting.js';
import { fieldOptions } from './fieldOptions.js';
import { numberFrom, wholeNumberFrom } from './parseNumber.js';
import { parseIpAdapterSetting } from './parseIpAdapterSetting.js';
import { type OptionSetting, parseOptionSetting } from './parseOptionSetting.js';
import { parseStepCacheSetting } from './parseStepCacheSetting.js';

/** The environment variable that names the model where no flag does. */
export const MODEL_VARIABLE = 'THIMBLE_MODEL';

/** Whether the model of a command is that of {@link MODEL_VARIABLE}. */
export function modelSource(command: Command): { readonly modelVariable?: string } {
  return command.getOptionValueSource('model') === 'env' ? { modelVariable: MODEL_VARIABLE } : {};
}

function modelName(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('Expected a folder, or the id of a model on the hub.');
  return text;
}

/** Which model. */
export function modelOptions(): Option[] {
  return [
    new Option(
      '-m, --model <path|id>',
      'folder in diffusers\' layout, file of weights, hub id "owner/name[@revision]", or file there "owner/name:path"',
    )
      .env(MODEL_VARIABLE)
      .argParser(modelName)
      .makeOptionMandatory(),
    new Option(
      '--component <name=path>',
      "a component from a file or folder of its own, in place of the model's, such as vae=vae.safetensors; may be repeated",
    )
      .argParser((text: string, before: readonly ComponentSetting[]) => [...before, parseComponentSetting(text)])
      .default([], 'none'),
    new Option(
      '--config <path|id|family>',
      'for a file of weights: whose configs to take (default: those of the family that its tensors show)',
    ),
    new Option(
      '--prediction-type <name>',
      "what the model predicts, where that is not what its scheduler's config says",
    ).choices(['epsilon', 'v_prediction', 'sample']),
    new Option('--variant <name>', 'which weights to take where there are several, such as fp16'),
    new Option('--revision <name>', "a hub id's branch, tag or commit"),
    new Option('--offline', 'never ask the hub, only its cache on disk'),
    allowSymlinksOption(),
    new Option(
      '--preset <name>',
      "steps, guidance and scheduler of a distilled model, such as sd-turbo, or none: diffusers' defaults (default: by what the model says it is)",
    ),
  ];
}

/** Whether links in a folder may lead outside of it. */
export function allowSymlinksOption(): Option {
  return new Option('--allow-symlinks', "follow links in a model's folder that lead outside of it");
}

/** What changes the model. */
export function loraOptions(): Option[] {
  return [
    new Option(
      '--lora <file[=scale]>',
      'a LoRA, and how strong it is (default: 1): a file, a folder, or a file on the hub, "owner/name:path"; may be repeated',
    ).argParser((text: string, before: readonly LoraSetting[] | undefined) => [
      ...(before ?? []),
      parseLoraSetting(text),
    ]),
    new Option(
      '--lora-mode <how>',
      'beside the layers (branch, the default), or merged into them, once, on disk (fuse): no step costs more then',
    ).choices(['branch', 'fuse']),
  ];
}

/** A VAE in place of the model's. */
export function vaeOption(): Option {
  const text = "a VAE in place of the model's own, such as madebyollin/taesd; short for --component vae=PATH";
  return new Option('--vae <path|id>', text);
}

/** Where prompts come from, beside the arguments. */
export function promptOptions(): Option[] {
  return [new Option('--prompt-file <file>', 'a prompt on each line; - for the standard input')];
}

/** Models and words beside the checkpoint's, each of which may be repeated. */
export function adapterOptions(): Option[] {
  return [
    new Option(
      '--control <model=…,image=…>',
      'a ControlNet and what it looks at: model=PATH|ID and image=FILE, and if need be scale, start and end (numbers), guess=true, preprocess=canny, with commas between; may be repeated',
    ).argParser((text: string, before: readonly ControlSetting[] | undefined) => [
      ...(before ?? []),
      parseControlSetting(text),
    ]),
    new Option(
      '--ip-adapter <model=…,image=…>',
      'a picture as a prompt, by an IP-Adapter: model=FILE and image=FILE, and if need be scale (a number) and encoder=PATH|ID, with commas between; image may be there several times',
    ).argParser(parseIpAdapterSetting),
    new Option(
      '--embedding <file[=token]>',
      "a textual inversion, a word that was learned: a safetensors file, and what prompts call it (default: as the file says, else the file's name); may be repeated",
    ).argParser((text: string, before: readonly EmbeddingSetting[] | undefined) => [
      ...(before ?? []),
      parseEmbeddingSetting(text),
    ]),
  ];
}

/** Whether brackets in prompts are weights. */
export function promptWeightsOption(): Option {
  const text =
    'read prompts as AUTOMATIC1111 does: (word:1.3), ((word)), [word], BREAK, and any length (default: brackets are text)';
  return new Option('--prompt-weights', text);
}

/** Where LoRAs lie that prompts ask for. */
export function loraDirOption(): Option {
  const text = 'where <lora:NAME:SCALE> in a prompt finds NAME.safetensors; turns --prompt-weights on';
  return new Option('--lora-dir <folder>', text).implies({ promptWeights: true });
}

/** Where it is computed, and with which plugins. */
export function computingOptions(): Option[] {
  return [
    new Option('--device <name>', 'cpu, webgpu or cuda (default: cpu)'),
    new Option('--threads <number>', "threads of the computation (default: the processor's cores)").argParser(
      wholeNumberFrom(1),
    ),
    new Option(
      '--int8',
      'compute the denoiser and the VAE in 8-bit integers, about twice as fast on the CPU; their weights are made once, and kept on disk',
    ),
    new Option(
      '--attention <how>',
      'fused where that is faster (flash), in slices, or all scores at once (math); default: in chunks',
    ).choices(['flash', 'sliced', 'math']),
    new Option('--channels-last', 'convolutions in the layout that the processor likes best: faster, for more memory'),
    ...Object.values(fieldOptions(computeFields)),
    new Option(
      '--step-cache [number]',
      'use again what deep layers gave in steps before: compute everything in each fourth step (or each Nth) of a UNet, and of a transformer where its first block has changed by more than a share (default: 0.05); lossy',
    )
      .argParser(parseStepCacheSetting)
      .preset('auto'),
    new Option(
      '--token-merging [ratio]',
      "merge that share of the tokens (default: 0.5) into others like them before the UNet's largest self-attentions; lossy",
    )
      .argParser(numberFrom(0, 1))
      .preset('0.5'),
    new Option(
      '--trace <folder>',
      'optimise models once, and keep them there with their weights: later runs are faster; takes disk space',
    ),
    new Option(
      '--use <package:json>',
      'install a plugin: a package with its options, PACKAGE[#EXPORT][:JSON]; may be repeated',
    )
      .argParser((text: string, before: readonly PluginSpec[]) => [...before, parsePluginSpec(text)])
      .default([], 'none'),
    new Option(
      '--option <name=value>',
      'set an option of the run that has no flag of its own, such as one that a plugin adds; may be repeated',
    )
      .argParser((text: string, before: readonly OptionSetting[]) => [...before, parseOptionSetting(text)])
      .default([], 'none'),
  ];
}

const PICTURE_TILING = {
  modes: ['auto', 'seamless', 'shared', 'blend'],
  text: 'seamless, shared, blend, or what fits (auto)',
};
const VIDEO_TILING = { modes: ['auto', 'blend'], text: 'blended, or what fits (auto)' };

/** What it may take in all. */
export function memoryLimitOption(): Option {
  return new Option(
    '--memory, --memory-limit <size>',
    "what it may take in all, such as 256MB, or none (default: the container's limit)",
  );
}

/** What may be done to results so that a run fits, or is faster. */
export function qualityOption(name: string): Option {
  return new Option(
    `${name} <class>`,
    'what a memory limit may do to results: nothing but rounding (exact, the default), what is hard to see (near), or another picture (lossy)',
  ).choices(['exact', 'near', 'lossy']);
}

/** What it may take. */
export function memoryOptions(things: 'pictures' | 'videos'): Option[] {
  const tiling = things === 'pictures' ? PICTURE_TILING : VIDEO_TILING;
  return [
    new Option('--offload <how>', 'keep one model in memory at a time, or one submodule (sequential)').choices([
      'model',
      'sequential',
    ]),
    new Option('--vae-tiling [mode]', `decode in pieces: ${tiling.text}`).choices(tiling.modes).preset('auto'),
    new Option('--vae-slicing', 'decode the pictures of a batch one by one'),
    new Option(
      '--fp8 [format]',
      "store the denoiser's weights as 8-bit floats, e4m3fn (default) or e5m2: half the size of f16, made once",
    )
      .choices(['e4m3fn', 'e5m2'])
      .preset('e4m3fn')
      .conflicts('int8Weights'),
    new Option(
      '--int8-weights',
      "store the denoiser's weights as int8 with a scale per output channel: as small, and closer to the original",
    ),
    memoryLimitOption(),
    qualityOption('--plan-quality'),
    new Option('--memory-report <file.svg>', 'draw the memory over time, with components and steps'),
  ];
}

/** What is told. */
export function messageOptions(): Option[] {
  return [
    new Option('--json', 'write one JSON object a line to the standard output: every event, then "done" or "error"'),
    new Option('-q, --quiet', 'say nothing but errors'),
    new Option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1'),
  ];
}
