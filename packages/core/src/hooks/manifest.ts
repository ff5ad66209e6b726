import type { Graph } from '../graph/Graph.js';
import type { DecodeCall } from './calls/DecodeCall.js';
import type { EncodeCall } from './calls/EncodeCall.js';
import type { EncodePromptCall } from './calls/EncodePromptCall.js';
import type { GraphContext } from './calls/GraphContext.js';
import type { ModelCall } from './calls/ModelCall.js';
import type { RunContext } from './calls/RunContext.js';
import type { SegmentCall } from './calls/SegmentCall.js';
import type { SegmentPreparation } from './calls/SegmentPreparation.js';
import { SeriesHook } from './engine/SeriesHook.js';
import type { StepContext } from './calls/StepContext.js';
import { WaterfallHook } from './engine/WaterfallHook.js';
import type { WeightStore } from '../weights/WeightStore.js';
import type { WeightsContext } from './calls/WeightsContext.js';

/** The payload types, by the names the manifest uses. */
interface Payloads {
  readonly RunContext: RunContext;
  readonly ModelCall: ModelCall;
  readonly SegmentCall: SegmentCall;
  readonly SegmentPreparation: SegmentPreparation;
  readonly StepContext: StepContext;
  readonly DecodeCall: DecodeCall;
  readonly EncodeCall: EncodeCall;
  readonly EncodePromptCall: EncodePromptCall;
}

/** What waterfalls hand on, and what their taps are told beside it, by the names the manifest uses. */
interface Waterfalls {
  readonly Graph: GraphContext;
  readonly WeightStore: WeightsContext;
}

/** The types of the values that waterfalls hand on. */
interface Values {
  readonly Graph: Graph;
  readonly WeightStore: WeightStore;
}

/** What the manifest says about a hook. */
export type HookDeclaration = {
  /** When the hook is called. */
  readonly when: string;
  /** What a tap may do. */
  readonly may: string;
} & (
  | {
      readonly kind: 'series';
      /** The type of the one object that every tap gets. */
      readonly payload: keyof Payloads;
      /** Whether every tap runs even if one fails. */
      readonly settle?: true;
    }
  | {
      readonly kind: 'waterfall';
      /** The type of the value handed on, and of the second argument. */
      readonly payload: keyof Values;
      readonly context: 'GraphContext' | 'WeightsContext';
    }
);

/**
 * Every hook of a pipeline, declared once, in the order in which a run meets them. The types, the hooks themselves, the reference
 * and the golden-order test are made from this.
 */
export const hookManifest = {
  beforeRun: {
    kind: 'series',
    payload: 'RunContext',
    when: 'One generate begins; its options are checked, and nothing has run yet.',
    may: 'Prepare for the run; keep state in run.state.',
  },
  transformWeights: {
    kind: 'waterfall',
    payload: 'WeightStore',
    context: 'WeightsContext',
    when: "A component's weights are bound, or bound again because the taps changed.",
    may: 'Return a store on top of the one given, or nothing to leave it. Synchronous; what takes long is made before, by prepareWeights.',
  },
  encodePrompt: {
    kind: 'series',
    payload: 'EncodePromptCall',
    when: 'A text encoder is to encode the prompts of a run, then the negative ones; once for each encoder, before its beforeModelCall.',
    may: 'Replace prompts; replace or add chunks of tokens, with vectors of their own; set embeds and so skip the encoder; put code around it with wrap.',
  },
  transformGraph: {
    kind: 'waterfall',
    payload: 'Graph',
    context: 'GraphContext',
    when: "A segment's graph is built, or built again because the taps changed.",
    may: 'Return a changed graph, or nothing to leave it. Synchronous; must depend on the graph and context alone.',
  },
  prepareSegment: {
    kind: 'series',
    payload: 'SegmentPreparation',
    when: "A segment's graph is finished and about to be loaded, or read ahead, for the first time; again once the taps changed.",
    may: 'Replace model and ranges, as by the optimised graph of an earlier run.',
  },
  beforeEncode: {
    kind: 'series',
    payload: 'EncodeCall',
    when: 'vae.encode({ x }) begins, called by the pipeline or by the user; before the beforeModelCall of the same call.',
    may: 'Replace x; set moments and so skip encoding; put code around it with wrap.',
  },
  beforeDecode: {
    kind: 'series',
    payload: 'DecodeCall',
    when: 'vae.decode({ z }) begins, called by the pipeline, by decodeLatents or by the user; before the beforeModelCall of the same call.',
    may: 'Replace z; set sample and so skip decoding; put code around it with wrap.',
  },
  beforeStep: {
    kind: 'series',
    payload: 'StepContext',
    when: 'A denoising step begins.',
    may: 'Replace latents.',
  },
  beforeModelCall: {
    kind: 'series',
    payload: 'ModelCall',
    when: "A component's entry point is called, by the pipeline or by the user; once per outer call, however it is split.",
    may: 'Change inputs; set outputs and so skip the call; load or unload components; put code around the call with wrap.',
  },
  beforeSegment: {
    kind: 'series',
    payload: 'SegmentCall',
    when: 'A segment of a component is about to run.',
    may: 'Load, prefetch or unload segments; replace inputs; set outputs and so skip the segment.',
  },
  afterSegment: {
    kind: 'series',
    payload: 'SegmentCall',
    when: 'A segment has run, or was skipped.',
    may: 'Unload segments; replace outputs.',
  },
  afterModelCall: {
    kind: 'series',
    payload: 'ModelCall',
    when: 'The call has its outputs, or was skipped. Not called if it failed.',
    may: 'Replace outputs; load or unload components.',
  },
  afterStep: {
    kind: 'series',
    payload: 'StepContext',
    when: 'A denoising step is done, and the scheduler has made new latents.',
    may: 'Replace latents.',
  },
  afterDecode: {
    kind: 'series',
    payload: 'DecodeCall',
    when: 'Decoding has its sample, or was skipped. Not called if it failed.',
    may: 'Replace sample.',
  },
  afterEncode: {
    kind: 'series',
    payload: 'EncodeCall',
    when: 'Encoding has its moments, or was skipped. Not called if it failed.',
    may: 'Replace moments.',
  },
  failed: {
    kind: 'series',
    payload: 'RunContext',
    settle: true,
    when: 'A run failed or was aborted, for the reason in run.error. Every tap runs, even if one fails.',
    may: 'Leave the pipeline usable: free what the run left behind.',
  },
  afterRun: {
    kind: 'series',
    payload: 'RunContext',
    settle: true,
    when: 'A run is over, also after failure and abort; the last hook of a run. Every tap runs, even if one fails.',
    may: 'Unload components; read run.result or run.error.',
  },
} as const satisfies Record<string, HookDeclaration>;

/** The name of a hook. */
export type HookName = keyof typeof hookManifest;

type HookOf<D extends HookDeclaration> = D extends { kind: 'series' }
  ? SeriesHook<Payloads[D['payload']]>
  : D extends { payload: infer P extends keyof Values }
    ? WaterfallHook<Values[P], Waterfalls[P]>
    : never;

/** A pipeline's hooks, by name. */
export type Hooks = { readonly [Name in HookName]: HookOf<(typeof hookManifest)[Name]> };

/** The names of all hooks, in the manifest's order. */
export const hookNames: readonly HookName[] = Object.freeze(Object.keys(hookManifest) as HookName[]);

/** Makes the hooks of one pipeline, untapped. */
export function createHooks(): Hooks {
  const hooks = hookNames.map((name) => [name, createHook(name, hookManifest[name])] as const);
  return Object.freeze(Object.fromEntries(hooks)) as unknown as Hooks;
}

function createHook(name: HookName, declaration: HookDeclaration): Hooks[HookName] {
  // The manifest names the payload's type; which one it is makes no difference here.
  if (declaration.kind === 'waterfall') return new WaterfallHook<never, never>(name) as unknown as Hooks[HookName];
  return new SeriesHook<never>(name, { settle: declaration.settle ?? false }) as unknown as Hooks[HookName];
}
