import type { Generation } from '../jobs/Generation.js';
import type { JsonValue } from '../jobs/Job.js';
import { isPictureOption } from '../jobs/pictureOptions.js';
import type { PictureReader } from '../pictures/PictureReader.js';
import type { PictureFormat } from '../results/PictureFormat.js';
import { ServerError } from '../ServerError.js';
import { CONTROL_NAMES } from './generationSchema.js';
import { optionOfName } from './optionNames.js';

/** A request for pictures that its schema has accepted. */
export interface GenerationBody {
  readonly prompt: string;
  readonly model?: string;
  readonly size?: string;
  readonly output_format?: PictureFormat;
  readonly output_compression?: number;
  readonly scheduler?: string;
  readonly [name: string]: JsonValue | undefined;
}

/** What a request asks for, with its pictures read. @throws ERR_REQUEST_INVALID; what reading pictures throws */
export async function readGeneration(body: GenerationBody, pictures: PictureReader): Promise<Generation> {
  const { prompt, model, size = 'auto', output_format: format = 'png', output_compression: quality, scheduler } = body;
  const options = new Map<string, JsonValue>();
  const files = new Map<string, Uint8Array>();
  const [, width, height] = /^(\d+)x(\d+)$/.exec(size) ?? [];
  if (width !== undefined) options.set('width', Number(width)).set('height', Number(height));
  for (const [name, value] of Object.entries(body)) {
    if (CONTROL_NAMES.has(name) || value === undefined) continue;
    const option = optionOfName(name);
    if (options.has(option) || files.has(option)) throw invalid(name, 'it is said twice');
    if (isPictureOption(option)) files.set(option, (await pictures.read(value, name)).bytes);
    else options.set(option, value);
  }
  return {
    ...(model === undefined ? {} : { model }),
    prompt,
    options: Object.fromEntries(options),
    pictures: Object.fromEntries(files),
    ...(scheduler === undefined ? {} : { scheduler }),
    format,
    ...(quality === undefined ? {} : { quality: Math.max(1, quality) }),
  };
}

/** A request that is not as it should be. */
export function invalid(param: string | undefined, problem: string): Error {
  return new ServerError('ERR_REQUEST_INVALID', { param, problem });
}
