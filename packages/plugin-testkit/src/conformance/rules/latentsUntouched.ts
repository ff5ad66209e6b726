import type { Tensor } from '@thimble/core';
import type { Bench } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';
import { violation } from '../violation.js';

/** Before whatever plugins do in a hook. */
const FIRST = { name: 'thimble-testkit:latents', stage: Number.MIN_SAFE_INTEGER };

/** A tensor that a plugin was given, and what was in it. */
interface Given {
  readonly where: string;
  readonly tensor: Tensor;
  readonly copy: Float32Array;
}

export const latentsUntouched: ConformanceRule = {
  name: 'latents-untouched',
  summary: 'puts other latents in the place of those that it changes, and writes into none, nor into inputs of models',
  check: async (bench) => {
    const written = (await givenTensors(bench)).find(isWritten);
    if (written !== undefined)
      throw violation(
        `${written.where} is written to; put another tensor there, as in step.latents = new Tensor('float32', changed, step.latents.dims)`,
      );
  },
};

/** All that a run with the plugin gives to its taps. */
async function givenTensors(bench: Bench): Promise<readonly Given[]> {
  const pipe = await bench.open();
  await bench.use(pipe);
  const given: Given[] = [];
  const note = (where: string, tensor: Tensor): void =>
    void given.push({ where, tensor, copy: valuesOf(tensor).slice() });
  pipe.hooks.beforeStep.tap(FIRST, ({ latents }) => note('step.latents in beforeStep', latents));
  pipe.hooks.afterStep.tap(FIRST, ({ latents }) => note('step.latents in afterStep', latents));
  pipe.hooks.beforeDecode.tap(FIRST, ({ z }) => note('z in beforeDecode', z));
  pipe.hooks.beforeModelCall.tap(FIRST, ({ component, inputs }) => {
    for (const [name, tensor] of Object.entries(inputs))
      note(`inputs.${name} of ${component} in beforeModelCall`, tensor);
  });
  await bench.generate(pipe);
  return given;
}

function isWritten({ tensor, copy }: Given): boolean {
  return valuesOf(tensor).some((x, i) => !Object.is(x, copy[i]));
}

function valuesOf({ data }: Tensor): Float32Array {
  return data as Float32Array;
}
