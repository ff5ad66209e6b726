import { basename, extname } from 'node:path';
import { openTensorFile, readTensorFloat32, type TensorView } from '@thimble/core/plugin';
import { TextualInversionError } from './TextualInversionError.js';
import type { TextualInversionSettings } from './TextualInversionOptions.js';

/** Vectors of one text encoder. */
export interface Vectors {
  /** How many numbers each has. */
  readonly width: number;
  /** One after the other. */
  readonly data: Float32Array;
}

/** A word that was learned. */
export interface Inversion {
  /** Real path. */
  readonly file: string;
  readonly token: string;
  /** Vectors that the word stands for. */
  readonly count: number;
  /** By the text encoder that they are for; '' is for any. */
  readonly vectors: ReadonlyMap<string, Vectors>;
}

/** The tensors of AUTOMATIC1111's files, and what pickles of them are called when they are rewritten. */
const UNNAMED = /^(?:emb_params|string_to_param\..+)$/;
/** Of SDXL's files: tensors by the text encoders that they are for. */
const OF_ENCODERS: ReadonlyMap<string, string> = new Map([
  ['clip_l', 'text_encoder'],
  ['clip_g', 'text_encoder_2'],
]);

/**
 * Reads a textual inversion, of one vector or several.
 *
 * @throws ERR_EMBEDDING_FILE; what opening and reading the file throw
 */
export async function readInversion({ file: path, token }: TextualInversionSettings): Promise<Inversion> {
  const { path: file, tensors } = await openTensorFile(path);
  const refuse = (problem: string): never => {
    throw new TextualInversionError('ERR_EMBEDDING_FILE', { file, problem });
  };
  const named = [...tensors].map(([name, view]) => ({ name, view, encoder: OF_ENCODERS.get(name) }));
  const [first] = named;
  if (first === undefined) return refuse('it has no tensors');
  const ofEncoders = named.every(({ encoder }) => encoder !== undefined);
  if (!ofEncoders && named.length > 1)
    return refuse(`it has ${named.length} tensors, such as "${first.name}" and "${named[1]?.name}"`);
  const own = ofEncoders || UNNAMED.test(first.name) ? basename(path, extname(path)) : first.name;
  const vectors = new Map<string, Vectors>();
  for (const { encoder = '', view } of named) vectors.set(encoder, await readVectors(view, refuse));
  const counts = new Set(Array.from(vectors.values(), ({ data, width }) => data.length / width));
  const [count = 0] = counts;
  if (counts.size > 1) return refuse(`its text encoders have ${[...counts].join(' and ')} vectors`);
  return { file, token: token ?? own, count, vectors };
}

async function readVectors(view: TensorView, refuse: (problem: string) => never): Promise<Vectors> {
  const shape = view.shape.length === 1 ? [1, ...view.shape] : view.shape;
  const [count, width, ...more] = shape;
  if (!count || !width || more.length > 0)
    return refuse(`"${view.name}" is of shape [${view.shape.join(', ')}], not [vectors, width]`);
  const data = await readTensorFloat32(view);
  if (!data.every(Number.isFinite)) return refuse(`"${view.name}" has values that are no finite numbers`);
  return { width, data };
}
