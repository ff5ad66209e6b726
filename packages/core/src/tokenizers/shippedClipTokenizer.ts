import { fileURLToPath } from 'node:url';
import { CLIPTokenizer } from './CLIPTokenizer.js';
import { readClipTokenizer } from './readClipTokenizer.js';

/** The folder with its files, packed by gzip. It lies below the package, whether this runs from its sources or built: see the README there. */
export const SHIPPED_CLIP_TOKENIZER = fileURLToPath(
  new URL(import.meta.url.replace(/(?:src|dist)\/[^?]*$/, 'configs/clip-tokenizer/')),
);

/** CLIP's tokenizer, of the vocabulary that comes with thimble, for checkpoints in one file. `padToken` is what the text encoder was trained with: OpenCLIP's "!", CLIP's own end. */
export async function shippedClipTokenizer(padToken: string): Promise<CLIPTokenizer> {
  const parts = await readClipTokenizer(SHIPPED_CLIP_TOKENIZER);
  const padTokenId = parts.vocabulary.idOf(Buffer.from(padToken)) ?? parts.padTokenId;
  return new CLIPTokenizer({ ...parts, padTokenId });
}
