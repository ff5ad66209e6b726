import type { DiffusionPipeline, GenerateOptions } from '@thimble/core';
import { type Bench, OTHER_PROMPTS, type Picture, PROMPTS, remove } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';
import { expectPicture } from '../expectPicture.js';
import { violation } from '../violation.js';

/** How a run is another one than that of before. */
interface Variation {
  /** Ends "a run …". */
  readonly what: string;
  readonly prompts: readonly string[];
  readonly options: (run: GenerateOptions) => GenerateOptions;
}

const VARIATIONS: readonly Variation[] = [
  { what: 'of another prompt', prompts: OTHER_PROMPTS, options: () => ({}) },
  { what: 'with another seed', prompts: PROMPTS, options: () => ({ seed: 2 }) },
  { what: 'of another size', prompts: PROMPTS, options: ({ height }) => ({ height: height === 32 ? 64 : 32 }) },
  { what: 'of one picture', prompts: PROMPTS.slice(0, 1), options: () => ({}) },
];

export const runsIndependent: ConformanceRule = {
  name: 'runs-independent',
  summary:
    'keeps nothing from one run to the next that changes it, whichever prompt, seed, size or number of pictures came before',
  check: async (bench) => {
    const pipe = await bench.open();
    await bench.use(pipe);
    const first = await bench.generate(pipe);
    expectPicture(await bench.generate(pipe), first, 'the same run gives another picture the second time');
    const pictures: Picture[] = [];
    for (const variation of VARIATIONS) pictures.push(await vary(bench, pipe, variation));
    expectPicture(await bench.generate(pipe), first, 'the same run gives another picture after other runs');

    const fresh = await bench.open();
    for (const [i, variation] of VARIATIONS.entries()) {
      const handle = await bench.use(fresh);
      const expected = await vary(bench, fresh, variation);
      const { what } = variation;
      if (isSame(expected, first)) throw violation(`a run ${what} gives the same picture, bit for bit`);
      expectPicture(
        pictures[i] as Picture,
        expected,
        `a run ${what} gives another picture after other runs than with a new instance of the plugin`,
      );
      await remove(handle);
    }
  },
};

async function vary(bench: Bench, pipe: DiffusionPipeline, { prompts, options }: Variation): Promise<Picture> {
  return bench.generate(pipe, prompts, options(bench.run));
}

function isSame(a: Picture, b: Picture): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}
