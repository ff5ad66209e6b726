import type { DiffusionPipeline, GenerateOptions, Image, Tensor } from '@thimble/core';

/** A case of what diffusers computes; see the class of that name in core's tests. */
export interface FixtureCase {
  readonly folder: string;
  call(name: string): {
    readonly in: Readonly<Record<string, string>>;
    readonly out: Readonly<Record<string, unknown>>;
  };
  inputs(name: string): Promise<Record<string, Tensor>>;
  /** At most 1 where it is right. */
  excess(name: string, output: string, got: Tensor): Promise<number>;
}

// By URL: core's tests are no package.
const at = (file: string): string => new URL(`../../../core/test/support/${file}`, import.meta.url).href;
export const { FixtureCase } = (await import(at('FixtureCase.ts'))) as {
  FixtureCase: { open(name: string): Promise<FixtureCase> };
};
const { imagesOf } = (await import(at('PictureCall.ts'))) as { imagesOf: (bytes: Tensor) => Image | Image[] };
const { replayRun } = (await import(at('replayRun.ts'))) as {
  replayRun: (
    pipe: DiffusionPipeline,
    fixture: FixtureCase,
    run: string,
    more: object,
  ) => Promise<Record<string, number>>;
};

/** Makes a recorded run again; gives what is off by more than its tolerance, and by how much. */
export async function failuresOf(
  pipe: DiffusionPipeline,
  fixture: FixtureCase,
  run: string,
  more: GenerateOptions = {},
): Promise<readonly (readonly [string, number])[]> {
  const excess = await replayRun(pipe, fixture, run, { ...(await picturesOf(fixture, run)), ...more });
  return Object.entries(excess).filter(([, times]) => !(times <= 1));
}

/** What the ControlNets of a recorded run looked at. */
export async function picturesOf(fixture: FixtureCase, run: string): Promise<object> {
  const { image_u8: first, second_u8: second } = await fixture.inputs(run);
  const pictures = [first, second].flatMap((bytes) => (bytes === undefined ? [] : [imagesOf(bytes)]));
  const size = { width: 48, height: 40 };
  return {
    ...size,
    imageU8: undefined,
    secondU8: undefined,
    controlImage: pictures.length === 1 ? pictures[0] : pictures,
  };
}
