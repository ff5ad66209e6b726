import { InvalidArgumentError } from 'commander';

/** A LoRA, as `--lora` names it. */
export interface LoraSetting {
  /** A file or a folder; or a file on the hub, as `id`. */
  readonly file?: string;
  readonly id?: string;
  readonly scale?: number;
}

const ON_HUB = /^[\w.-]+\/[\w.-]+(?:@[^:]+)?:[^:]+$|^(?:https?:\/\/)?(?:huggingface\.co|hf\.co)\//;

/** Reads `FILE` or `FILE=SCALE`. */
export function parseLoraSetting(text: string): LoraSetting {
  const { source = text, scale } = /^(?<source>.+)=(?<scale>[^=/\\]*)$/.exec(text)?.groups ?? {};
  const number = scale === undefined ? undefined : scale.trim() === '' ? NaN : Number(scale);
  if (/^\s*(?:=|$)/.test(source) || (number !== undefined && !Number.isFinite(number)))
    throw new InvalidArgumentError('Expected FILE or FILE=SCALE, such as detail.safetensors=0.6.');
  return {
    ...(ON_HUB.test(source) ? { id: source } : { file: source }),
    ...(number === undefined ? {} : { scale: number }),
  };
}
