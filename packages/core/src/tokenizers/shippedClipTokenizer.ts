import { fileURLToPath } from 'node:url';
import { CLIPTokenizer } from './CLIPTokenizer.js';
import { type CLIPTokenizerParts, readClipTokenizer } from './readClipTokenizer.js';

/** The folder with its files, packed by gzip. It lies below the package, whether this runs from its sources or built: see the README there. */
export const SHIPPED_CLIP_TOKENIZER = fileURLToPath(
  new URL(import.meta.url.replace(/(?:src|dist)\/[^?]*$/, 'configs/clip-tokenizer/')),
);

/** Vocabulary and merges do not change, so that tokenizers that are there at a time share them, and read them once. */
let shared: WeakRef<CLIPTokenizerParts> | undefined;
let reading: Promise<CLIPTokenizerParts> | undefined;

/** CLIP's tokenizer, of the vocabulary that comes with thimble, for checkpoints in one file. `padToken` is what the text encoder was trained with: OpenCLIP's "!", CLIP's own end. */
export async function shippedClipTokenizer(padToken: string): Promise<CLIPTokenizer> {
  const parts = shared?.deref() ?? (await (reading ??= read()));
  const padTokenId = parts.vocabulary.idOf(Buffer.from(padToken)) ?? parts.padTokenId;
  return new CLIPTokenizer({ ...parts, padTokenId });
}

async function read(): Promise<CLIPTokenizerParts> {
  try {
    const parts = await readClipTokenizer(SHIPPED_CLIP_TOKENIZER);
    shared = new WeakRef(parts);
    return parts;
  } finally {
    reading = undefined;
  }
}
