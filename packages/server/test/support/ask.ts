import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** A request, headers and path as they stand: `fetch` has opinions. */
export interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** An answer. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly json: () => Record<string, unknown>;
}

/** Asks a server. */
export async function ask(url: string, { path, method = 'GET', headers = {}, body }: Asked): Promise<Answered> {
  const { hostname, port } = new URL(url);
  const asked = request({ hostname, port, path, method, headers, agent: false });
  // What comes after the answer is no matter.
  asked.on('error', () => undefined);
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const answered = await text(answer);
  return {
    status: answer.statusCode as number,
    headers: answer.headers,
    body: answered,
    json: () => JSON.parse(answered) as Record<string, unknown>,
  };
}
