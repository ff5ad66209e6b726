import type { Tensor } from '@thimble/core';
import type { StepContext } from '@thimble/core/plugin';
import type { ConformanceRule } from '../ConformanceRule.js';
import { violation } from '../violation.js';

const [FIRST, LAST] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];

export const latentsUntouched: ConformanceRule = {
  name: 'latents-untouched',
  summary: 'puts other latents in the place of those that it changes, and writes into none',
  check: async (bench) => {
    const pipe = await bench.open();
    await bench.use(pipe);
    const written = new Set<string>();
    for (const hook of ['beforeStep', 'afterStep'] as const) {
      let given: { readonly tensor: Tensor; readonly copy: Float32Array } | undefined;
      pipe.hooks[hook].tap({ name: 'conformance:first', stage: FIRST }, ({ latents }: StepContext) => {
        given = { tensor: latents, copy: dataOf(latents).slice() };
      });
      pipe.hooks[hook].tap({ name: 'conformance:last', stage: LAST }, () => {
        if (given !== undefined && dataOf(given.tensor).some((x, i) => !Object.is(x, given?.copy[i])))
          written.add(hook);
      });
    }
    await bench.generate(pipe);
    if (written.size > 0)
      throw violation(
        `latents are written to in ${[...written].join(' and ')}; write step.latents = new Tensor('float32', changed, step.latents.dims)`,
      );
  },
};

function dataOf({ data }: Tensor): Float32Array {
  return data as Float32Array;
}
