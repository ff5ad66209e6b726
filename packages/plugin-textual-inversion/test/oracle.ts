import type { DiffusionPipeline, GenerateOptions, Tensor } from '@thimble/core';

/** A case of what diffusers computes; see the class of that name in core's tests. */
export interface FixtureCase {
  readonly folder: string;
  call(name: string): { readonly args: Readonly<Record<string, unknown>> };
  /** At most 1 where it is right. */
  excess(name: string, output: string, got: Tensor): Promise<number>;
}

// By URL: core's tests are no package.
const at = (file: string): string => new URL(`../../core/test/support/${file}`, import.meta.url).href;
export const { FixtureCase } = (await import(at('FixtureCase.ts'))) as {
  FixtureCase: { open(name: string): Promise<FixtureCase> };
};
export const { replayRun } = (await import(at('replayRun.ts'))) as {
  replayRun: (
    pipe: DiffusionPipeline,
    fixture: FixtureCase,
    run: string,
    more?: GenerateOptions,
  ) => Promise<Record<string, number>>;
};
