// POST /api/pictures {"prompt":"a red fox","steps":20}: server-sent events, a `step` each, then `done` with the picture. Who goes away ends the run.
import { DiffusionPipeline, isThimbleError } from '@thimble/core';

// The pipeline is a child process: not for the edge runtime, and nothing to cache.
export const runtime = 'nodejs';
export const dynamic = 'force-dynamic';

interface Asked {
  readonly prompt?: unknown;
  readonly steps?: unknown;
  readonly seed?: unknown;
}

/** One for all requests, which take turns; and for all versions of this file while it is edited. */
const shared = globalThis as typeof globalThis & { thimble?: Promise<DiffusionPipeline> };
async function pipeline(): Promise<DiffusionPipeline> {
  shared.thimble ??= DiffusionPipeline.fromPretrained(process.env['MODEL'] ?? 'models/demo', {
    maxPixels: 1024 * 1024,
    maxQueue: 16,
  });
  return shared.thimble;
}

export async function POST(request: Request): Promise<Response> {
  const { prompt, steps, seed } = (await request.json()) as Asked;
  const pipe = await pipeline();
  // What cannot be is refused before anything is queued, by a status of its own.
  let events;
  try {
    events = pipe.stream(prompt as string, {
      numInferenceSteps: steps as number | undefined,
      seed: seed as number | undefined,
      signal: request.signal,
    });
  } catch (error) {
    return Response.json(described(error), { status: 400 });
  }
  const encoder = new TextEncoder();
  const frame = (event: string, data: object): Uint8Array =>
    encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        for (;;) {
          const { value: event, done } = await events.next();
          if (done === true) return controller.close();
          if (event.type === 'step')
            return controller.enqueue(frame('step', { step: event.index + 1, steps: event.steps }));
          if (event.type !== 'done') continue;
          const [image] = event.result.images;
          const png = image === undefined ? '' : (await image.toBuffer()).toString('base64');
          return controller.enqueue(frame('done', { seed: event.result.seeds[0], png }));
        }
      } catch (error) {
        controller.enqueue(frame('failed', described(error)));
        controller.close();
      }
    },
    async cancel() {
      await events.return(undefined);
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } });
}

function described(error: unknown): { readonly code: string; readonly message: string } {
  if (!isThimbleError(error)) return { code: 'ERR_INTERNAL', message: 'something went wrong' };
  return { code: error.code, message: error.message };
}
