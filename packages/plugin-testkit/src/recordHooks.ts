import { type DiffusionPipeline } from '@thimble/core';
import {
  checkMembers,
  type HookName,
  hookNames,
  type HookObserver,
  refuseOption,
  type TapCall,
} from '@thimble/core/plugin';

/** One call of a hook. What does not apply to the hook is absent. */
export interface HookCall {
  readonly hook: HookName;
  /** Name of the component that is called, or whose graph or segment it is: `unet`. */
  readonly component?: string;
  /** Entry point of a model call: `call`, `decode`, `encode`. */
  readonly entry?: string;
  /** Dotted name of a segment: `mid_block.attentions.0`. */
  readonly segment?: string;
  /** Of a step, from 0; of a segment, its place in the model. */
  readonly index?: number;
}

/** What {@link recordHooks} sees. Both lists grow while the pipeline works. */
export interface HookRecord extends Disposable {
  /** The calls of hooks, in order. */
  readonly calls: readonly HookCall[];
  /** The taps that ran in them, of plugins and of the application, with the time each took. */
  readonly taps: readonly TapCall[];
  /** Names of the hooks that were called, in order; the same one in a row is named once. */
  names(): HookName[];
  /** Stops recording; what was recorded stays. */
  dispose(): void;
}

const OWN_NAME = 'thimble-testkit:record';

/**
 * Records which hooks a pipeline calls and which taps run in them, until it is disposed. Recording segment hooks makes components run segment by segment.
 *
 * @param hooks those to record; all by default
 */
export function recordHooks(
  pipe: Pick<DiffusionPipeline, 'hooks'>,
  hooks: readonly HookName[] = hookNames,
): HookRecord {
  checkMembers('pipe', pipe, 'a pipeline', ['hooks']);
  const asked: unknown = hooks;
  if (!Array.isArray(asked) || !asked.every((name: HookName) => hookNames.includes(name)))
    refuseOption('hooks', hooks, `names out of ${hookNames.join(', ')}`);
  const calls: HookCall[] = [];
  const taps: TapCall[] = [];
  const stops = hooks.map((name) => recordHook(pipe, name, calls, taps));
  const dispose = (): void => {
    for (const stop of stops.splice(0)) stop();
  };
  const names = (): HookName[] => calls.map(({ hook }) => hook).filter((hook, i, all) => hook !== all[i - 1]);
  return { calls, taps, names, dispose, [Symbol.dispose]: dispose };
}

function recordHook(
  { hooks }: Pick<DiffusionPipeline, 'hooks'>,
  name: HookName,
  calls: HookCall[],
  taps: TapCall[],
): () => void {
  const hook = hooks[name];
  // A graph's place is told by the second argument, everything else by the first.
  const record = (...payloads: unknown[]): undefined => void calls.push(describeCall(name, payloads.at(-1)));
  const tap = hook.tap(OWN_NAME, record);
  const before = hook.onCall;
  const observe: HookObserver = (call) => {
    if (call.tap.name !== OWN_NAME) taps.push(call);
    before?.(call);
  };
  hook.onCall = observe;
  return () => {
    tap[Symbol.dispose]();
    if (hook.onCall === observe) hook.onCall = before;
  };
}

function describeCall(hook: HookName, payload: unknown): HookCall {
  const { component, entry, segment, index } = payload as Partial<HookCall>;
  return {
    hook,
    ...Object.fromEntries(
      Object.entries({ component, entry, segment, index }).filter(([, value]) => value !== undefined),
    ),
  };
}
