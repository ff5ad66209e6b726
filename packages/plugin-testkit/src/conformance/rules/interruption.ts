import type { DiffusionPipeline } from '@thimble/core';
import type { HookName } from '@thimble/core/plugin';
import { type Bench, remove } from '../Bench.js';
import { expectClean, type Holdings, holdingsOf } from '../Holdings.js';
import { expectPicture } from '../expectPicture.js';
import { violation } from '../violation.js';

const OWN_NAME = 'thimble-testkit:interruption';

/** A place in a run. */
export interface Place {
  readonly title: string;
  /** Calls `act` when a run gets there; what it throws, the run's work throws. */
  readonly reach: (pipe: DiffusionPipeline, act: () => void) => Disposable;
}

/** Places in a run where it may be interrupted: inside the calls of each component, and between two steps. */
export const PLACES: readonly Place[] = [
  { title: 'while the text is encoded', reach: insideCall('text_encoder', 1) },
  { title: 'in the first step', reach: insideCall('unet', 1) },
  { title: 'between two steps', reach: atHook('afterStep') },
  { title: 'in the second step', reach: insideCall('unet', 2) },
  { title: 'as decoding begins', reach: atHook('beforeDecode') },
  { title: 'while the picture is decoded', reach: insideDecoding },
];

/**
 * Interrupts runs at every place, by `act`, which also checks how they ended; then checks that the next run is as if nothing had been, and that nothing is
 * left once the plugin is removed.
 */
export async function interrupt(
  bench: Bench,
  act: (place: Place, pipe: DiffusionPipeline) => Promise<void>,
): Promise<void> {
  const { with: expected } = await bench.life();
  const pipe = await bench.open();
  await bench.generate(pipe);
  const before: Holdings = await holdingsOf(pipe);
  const handle = await bench.use(pipe);
  for (const place of PLACES) {
    await act(place, pipe);
    expectPicture(
      await bench.generate(pipe),
      expected,
      `the run after one that ended ${place.title} gives another picture`,
    );
  }
  await act(PLACES[3] as Place, pipe);
  await remove(handle);
  await expectClean(pipe, before, 'after the plugin was removed');
  expectPicture(
    await bench.generate(pipe),
    await bench.plain(),
    'after a run that ended early and removal, the picture is not that of before',
  );
}

/**
 * Runs, with `act` at `place`. Gives what the run rejected with; undefined where the plugin does that part of the run itself, so that it does not get there.
 *
 * @throws a violation, beginning with `what`, if it got there and went on
 */
export async function failureAt(
  place: Place,
  pipe: DiffusionPipeline,
  { act, run, what }: { readonly act: () => void; readonly run: () => Promise<unknown>; readonly what: string },
): Promise<{ readonly thrown: unknown } | undefined> {
  let reached = false;
  using tap = place.reach(pipe, () => {
    reached = true;
    act();
  });
  void tap;
  try {
    await run();
  } catch (error) {
    return { thrown: error };
  }
  if (reached) throw violation(`${what} ${place.title}, and the run went on all the same; throw on what you catch`);
  return undefined;
}

/** Inside everything that plugins put around the `count`-th call of a component. */
function insideCall(component: string, count: number): Place['reach'] {
  return ({ hooks }, act) => {
    let left = count;
    return hooks.beforeModelCall.tap({ name: OWN_NAME, stage: Number.MAX_SAFE_INTEGER }, (call) => {
      if (call.component !== component || --left !== 0) return;
      call.wrap((next) => async (inputs) => {
        act();
        return next(inputs);
      });
    });
  };
}

function insideDecoding({ hooks }: DiffusionPipeline, act: () => void): Disposable {
  return hooks.beforeDecode.tap({ name: OWN_NAME, stage: Number.MAX_SAFE_INTEGER }, (call) => {
    call.wrap((next) => async (z) => {
      act();
      return next(z);
    });
  });
}

function atHook(hook: HookName): Place['reach'] {
  return ({ hooks }, act) => {
    let left = 1;
    return hooks[hook].tap(OWN_NAME, () => {
      if (--left === 0) act();
      return undefined;
    });
  };
}
