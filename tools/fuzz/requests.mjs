// Requests to a server of tiny models: each is answered, and none by an error of the server.
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { createServer } from '@thimble/server';
import { isUnsent, requestInputs, requestOf } from './requestInputs.mjs';

export const count = 20_000;

export async function open(sandbox) {
  const server = await createServer({
    models: Object.fromEntries(
      ['tiny', 'other'].map((name) => [name, { open: async () => createTestPipeline({ device: 'fake' }) }]),
    ),
    keep: 2,
    port: 0,
    rateLimit: 0,
    maxSteps: 2,
    maxImages: 2,
    maxPixels: 128 * 128,
    maxQueue: 4,
    bodyLimit: 200_000,
    retain: 1000,
    results: await sandbox.makeFolder('results'),
    logLevel: 'silent',
  });
  const url = new URL(await server.listen());
  return {
    inputs: requestInputs,
    tryOne: async (input) => {
      const status = await ask(url, requestOf(input));
      if (typeof status === 'number' && (status < 500 || status === 501 || status === 503)) return `status ${status}`;
      if (isUnsent(status)) return 'not sent';
      throw new Error(`answered by ${status}`);
    },
    close: async () => server.close(),
  };
}

/** The status of the answer, all of which is read; else why there is none. */
async function ask({ hostname, port }, { path, method, headers: sent, body }) {
  try {
    const asked = request({ hostname, port, path, method, headers: sent, agent: false });
    const answered = once(asked, 'response');
    asked.on('error', () => undefined);
    asked.end(body);
    const [answer] = await answered;
    await text(answer);
    return answer.statusCode;
  } catch (error) {
    return `${error.code} ${error.message}`;
  }
}
