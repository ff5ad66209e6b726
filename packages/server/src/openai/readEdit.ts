import type { FastifyError, FastifyRequest } from 'fastify';
import { parseOption } from '@thimble/core/plugin';
import { CONTROL_NAMES, imagesBody } from '../http/generationSchema.js';
import { optionOfName } from '../http/optionNames.js';
import { invalid, readGeneration } from '../http/readGeneration.js';
import type { Generation } from '../jobs/Generation.js';
import type { JsonValue } from '../jobs/Job.js';
import { isPictureOption, pictureOptions } from '../jobs/pictureOptions.js';
import { maskOfTransparency } from '../pictures/maskOfTransparency.js';
import type { PictureReader, ReadPicture } from '../pictures/PictureReader.js';
import type { ImagesBody } from './ImagesBody.js';

/** What an edit asks for. */
export interface Edit {
  readonly body: ImagesBody;
  readonly generation: Generation;
}

/** Reads the form of an edit: `image` (or `image[]`), a `mask` whose transparent parts are made anew, and the fields of a generation as texts. @throws ERR_REQUEST_INVALID; what reading pictures throws */
export async function readEdit(request: FastifyRequest, pictures: PictureReader): Promise<Edit> {
  if (!request.isMultipart())
    throw invalid(undefined, 'expected a form (multipart/form-data) with an image and a prompt');
  const { fields, files } = await readForm(request).catch(refuseBroken);
  const body = checked(request, fields);
  const generation = await readGeneration(body, pictures);
  const { image, maskImage, ...others } = await readFiles(files, pictures);
  if (image === undefined) throw invalid('image', 'expected a picture');
  const mask = await maskOfTransparency((maskImage ?? image).image);
  if (maskImage !== undefined && mask === undefined)
    throw invalid('mask', 'expected a picture with transparent parts, which are made anew');
  return {
    body,
    generation: {
      ...generation,
      pictures: { image: image.bytes, ...(mask === undefined ? {} : { maskImage: mask }), ...bytesOf(others) },
    },
  };
}

interface Form {
  readonly fields: Readonly<Record<string, JsonValue>>;
  readonly files: ReadonlyMap<string, readonly Uint8Array[]>;
}

async function readForm(request: FastifyRequest): Promise<Form> {
  const fields: [string, JsonValue][] = [];
  const files = new Map<string, Uint8Array[]>();
  for await (const part of request.parts()) {
    const name = part.fieldname.replace(/\[\d*\]$/, '');
    if (part.type === 'file') files.set(name, [...(files.get(name) ?? []), await part.toBuffer()]);
    else if (fields.some(([other]) => other === name)) throw invalid(name, 'it is said twice');
    else fields.push([name, readText(name, String(part.value))]);
  }
  return { fields: Object.fromEntries(fields), files };
}

/** What a form breaks off with has no status of its own. */
function refuseBroken(error: unknown): never {
  const { code, statusCode } = error as Partial<FastifyError>;
  throw code === undefined && statusCode === undefined ? invalid(undefined, 'the form is damaged or cut off') : error;
}

/** What a text of a form stands for. */
function readText(name: string, text: string): JsonValue {
  if (name === 'stream') return text === 'true' || (text === 'false' ? false : text);
  if (name === 'partial_images' || name === 'output_compression') return text.trim() === '' ? text : numberOr(text);
  const option = optionOfName(name);
  if (CONTROL_NAMES.has(name)) return text;
  if (isPictureOption(option)) throw invalid(name, 'expected a file');
  if (Object.hasOwn(pictureOptions, option)) return parseOption(option, text, pictureOptions) as JsonValue;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function numberOr(text: string): number | string {
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/** The schema of generations holds for edits too; a form is only known once it is read. */
function checked(request: FastifyRequest, fields: Readonly<Record<string, JsonValue>>): ImagesBody {
  const validate = request.getValidationFunction(imagesBody) ?? request.compileValidationSchema(imagesBody);
  if (validate(fields) === true) return fields as ImagesBody;
  const [first] = validate.errors ?? [];
  const { missingProperty } = (first?.params ?? {}) as { readonly missingProperty?: string };
  throw invalid(missingProperty ?? first?.instancePath.split('/')[1], first?.message ?? 'it cannot be read');
}

async function readFiles(
  files: Form['files'],
  pictures: PictureReader,
): Promise<Readonly<Record<string, ReadPicture>>> {
  const read = new Map<string, ReadPicture>();
  for (const [name, [first, ...more]] of files) {
    const option = optionOfName(name);
    if (!isPictureOption(option)) throw invalid(name, 'there is no such picture');
    if (more.length > 0) throw invalid(name, 'expected one picture');
    if (read.has(option)) throw invalid(name, 'it is said twice');
    read.set(option, await pictures.check(first as Uint8Array, name));
  }
  return Object.fromEntries(read);
}

function bytesOf(pictures: Readonly<Record<string, ReadPicture>>): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(Object.entries(pictures).map(([name, { bytes }]) => [name, bytes]));
}
