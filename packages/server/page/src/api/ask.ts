import { reachable } from '../shell/notices.js';
import { session } from '../shell/session.js';
import { RequestError } from './RequestError.js';

/** What is asked for. */
export interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: object;
}

/** Asks the server; paths are beside the page, wherever it is. @throws RequestError; TypeError if the server cannot be reached */
export async function ask<T>(path: string, { method = 'GET', body }: Asked = {}): Promise<T> {
  const answer = await reach(path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (answer.ok) return (await answer.json()) as T;
  if (answer.status === 401) session.value = 'needed';
  throw await refusalOf(answer);
}

/** The file that a path is of. @throws as {@link ask} */
export async function askFile(path: string): Promise<Blob> {
  const answer = await reach(path);
  if (!answer.ok) throw await refusalOf(answer);
  return answer.blob();
}

async function reach(path: string, request?: RequestInit): Promise<Response> {
  const answer = await fetch(path, request);
  reachable.value = true;
  return answer;
}

async function refusalOf(answer: Response): Promise<RequestError> {
  try {
    const { error } = (await answer.json()) as { error: { message: string; param: string | null } };
    return new RequestError(answer.status, error.message, error.param ?? undefined);
  } catch {
    return new RequestError(answer.status, `The server answers with ${answer.status}.`);
  }
}
