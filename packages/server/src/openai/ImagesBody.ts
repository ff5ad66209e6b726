import type { GenerationBody } from '../http/readGeneration.js';

/** A request of OpenAI's image API that its schema has accepted. */
export interface ImagesBody extends GenerationBody {
  readonly response_format?: 'b64_json' | 'url';
  readonly stream?: boolean;
  readonly partial_images?: number;
}
