import { ServerError } from '../ServerError.js';
import type { ResultStore } from './ResultStore.js';

/** A stored picture as base64. @throws ERR_RESULT_UNKNOWN */
export async function base64Of(store: ResultStore, key: string): Promise<string> {
  const bytes = await store.get(key);
  if (bytes === undefined) throw new ServerError('ERR_RESULT_UNKNOWN', {});
  return bytes.toString('base64');
}
