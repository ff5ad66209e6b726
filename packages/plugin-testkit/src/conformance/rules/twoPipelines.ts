import { type DiffusionPipeline, isThimbleError, type Plugin } from '@thimble/core';
import { type Bench, OTHER_PROMPTS, type Picture, PROMPTS, remove } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';
import { expectPicture } from '../expectPicture.js';
import { violation } from '../violation.js';

export const twoPipelines: ConformanceRule = {
  name: 'two-pipelines',
  summary: 'works in two pipelines at once without one noticing the other',
  check: async (bench) => {
    const { with: expected } = await bench.life();
    const [a, b] = [await bench.open(), await bench.open()];
    const plugin = bench.create();
    const first = await bench.use(a, plugin);
    await useInSecond(bench, b, plugin);
    const alone = await bench.generate(b, OTHER_PROMPTS);
    const [pictureA, pictureB] = await bothAtOnce(bench, a, b);
    expectPicture(pictureA, expected, 'a pipeline gives another picture while another one with the plugin runs');
    expectPicture(pictureB, alone, 'a second pipeline gives another picture while the first one runs');
    await remove(first);
    expectPicture(
      await bench.generate(a),
      await bench.plain(),
      'removed from one pipeline of two, the plugin is still felt there',
    );
    expectPicture(
      await bench.generate(b),
      expected,
      'removed from one pipeline of two, the plugin works otherwise in the other',
    );
  },
};

/** The same instance where it says that it can be in several pipelines, else it has to be refused, and another one is used. */
async function useInSecond(bench: Bench, pipe: DiffusionPipeline, plugin: Plugin): Promise<void> {
  const refusal: unknown = await pipe.use(plugin).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (refusal === undefined) return;
  if (!isThimbleError(refusal, 'ERR_PLUGIN_IN_USE'))
    throw violation('one instance is refused by a second pipeline, but not as one that is in use', refusal);
  await bench.use(pipe);
}

/** Two runs that go on in turns, event by event. */
async function bothAtOnce(
  bench: Bench,
  a: DiffusionPipeline,
  b: DiffusionPipeline,
): Promise<readonly [Picture, Picture]> {
  const streams = [a.stream(PROMPTS, bench.run), b.stream(OTHER_PROMPTS, bench.run)];
  const pictures: (Picture | undefined)[] = [undefined, undefined];
  while (pictures.includes(undefined)) {
    const events = await Promise.all(
      streams.map(async (stream, i) => (pictures[i] === undefined ? stream.next() : undefined)),
    );
    for (const [i, event] of events.entries()) {
      if (event?.done === true) throw violation('a run ended without a result');
      if (event?.value.type === 'done') pictures[i] = event.value.result.images.data as Picture;
    }
  }
  await Promise.all(streams.map((stream) => stream.return(undefined)));
  return pictures as [Picture, Picture];
}
