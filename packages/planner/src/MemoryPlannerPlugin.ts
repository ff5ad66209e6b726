import type { Plugin } from '@thimble/core';
import type { FieldValues, OptionsOf } from '@thimble/core/model';
import {
  ADDED_CALLS,
  type PluginContext,
  type PluginPipeline,
  type PluginRecord,
  type RunCalls,
  readOptions,
  RUN_PLANNERS,
  type RunPlanner,
} from '@thimble/core/plugin';
import { MemoryPlanner } from './MemoryPlanner.js';
import type { RunShape } from './model/RunShape.js';
import { planOrRefuse } from './planOrRefuse.js';
import { machineField, qualityField } from './PlanOptions.js';
import type { Plan } from './Plan.js';
import { refuseShrunk } from './refuseShrunk.js';
import { readMachineSpeed } from './time/readMachineSpeed.js';

const FIELDS = {
  /** What may be done to results: see {@link PlanOptions}. */
  quality: qualityField,
  /** How fast the machine is. Default: by the best of its measurements, which are kept in the cache's folder. */
  machine: machineField,
};

/** Options of a {@link MemoryPlannerPlugin}. */
export type MemoryPlannerOptions = OptionsOf<typeof FIELDS>;

/**
 * Installs, for each run, the plugins with which it is fastest within the pipeline's memory limit, and tells which (`WARN_MEMORY_PLAN`). It plans again where a run has another size or batch, or
 * where other plugins are installed; those stay, and are planned around. Without a limit it does nothing.
 */
export class MemoryPlannerPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:memory-planner';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #options: FieldValues<typeof FIELDS>;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for a quality that is none */
  constructor(options: MemoryPlannerOptions = {}) {
    this.#options = readOptions(options, FIELDS, 'MemoryPlannerPlugin');
  }

  apply({ pipeline, provide, getAll, use }: PluginContext): void {
    const { quality, machine } = this.#options;
    const state = new PlannedState();
    const plans = new Map<string, Promise<Plan>>();
    const planFor = async (run: PlannedRun): Promise<PlanFor | undefined> => {
      const { memoryLimit: limitBytes, components, calls } = pipeline;
      const [component] = Object.values(components);
      if (limitBytes === undefined || component === undefined || !isOnProcessor(pipeline)) return undefined;
      const shape = shapeOf(run, calls);
      const installed = pipeline.plugins.filter((handle) => !state.owns(handle) && handle.name !== this.name);
      const added = getAll(ADDED_CALLS);
      const key = JSON.stringify([shape, installed.map(({ name }) => name), added]);
      if (state.isFor(key, pipeline)) {
        refuseShrunk(state.plan as Plan);
        return undefined;
      }
      const file = component.weights.find([...component.weights.keys()][0] ?? '')?.file;
      const speed = machine ?? (await readMachineSpeed({ device: component.device, file }));
      const plugins = installed.map(({ name, plugin }) => ({ name, claims: plugin.claims }));
      const ofSize = (width: number, height: number): MemoryPlanner =>
        new MemoryPlanner({ components, run: { ...shape, width, height }, calls, added, speed, installed: plugins });
      const making = plans.get(key) ?? planOrRefuse(ofSize(shape.width, shape.height), { limitBytes, quality, ofSize });
      remember(plans, key, making);
      const plan = await making;
      refuseShrunk(plan);
      return { key, plan };
    };
    provide(RUN_PLANNERS, {
      check: async (run) => void (await planFor(run)),
      async plan(run) {
        const found = await planFor(run);
        if (found === undefined) return;
        await state.become(found.key, found.plan, use);
        pipeline.warn('WARN_MEMORY_PLAN', `${found.plan.lines.join('; ')}.`);
      },
    });
  }
}

/** Plans that are remembered: a run is checked while it waits, and planned at its turn. */
const REMEMBERED = 8;

function remember(plans: Map<string, Promise<Plan>>, key: string, plan: Promise<Plan>): void {
  plans.delete(key);
  plans.set(key, plan);
  if (plans.size > REMEMBERED) plans.delete(plans.keys().next().value as string);
}

type PlannedRun = Parameters<RunPlanner['check']>[0];

interface PlanFor {
  /** What it depends on. */
  readonly key: string;
  readonly plan: Plan;
}

/** What was planned last. */
class PlannedState {
  #key: string | undefined;
  #plan: Plan | undefined;
  #handles: readonly PluginRecord[] = [];

  get plan(): Plan | undefined {
    return this.#plan;
  }

  owns(handle: PluginRecord): boolean {
    return this.#handles.includes(handle);
  }

  /** Whether the plan stands: it was made for the same, and none of its plugins has given way to another. */
  isFor(key: string, { plugins }: PluginPipeline): boolean {
    return this.#key === key && this.#handles.every((handle) => plugins.includes(handle));
  }

  /** Installs the plugins of a plan in place of those of the plan before, but for those that both have. */
  async become(key: string, plan: Plan, use: PluginContext['use']): Promise<void> {
    this.#key = undefined;
    this.#plan = plan;
    for (const handle of this.#handles.toReversed()) await handle.remove();
    const handles: PluginRecord[] = [];
    this.#handles = handles;
    for (const plugin of plan.plugins) handles.push(await use(plugin));
    this.#key = key;
  }
}

function isOnProcessor({ components }: PluginPipeline): boolean {
  return Object.values(components).every(({ device }) => device.provider === 'cpu');
}

/** How large a run is, by its options. */
function shapeOf({ prompt, options, steps, pictures = [] }: PlannedRun, { guidedAbove }: RunCalls): RunShape {
  const number = (name: string, otherwise: number): number => Number(options[name] ?? otherwise);
  const prompts = Array.isArray(prompt) ? prompt.length : 1;
  return {
    width: number('width', 512),
    height: number('height', 512),
    frames: number('numFrames', 1),
    count: prompts * (number('numImagesPerPrompt', 0) || number('numVideosPerPrompt', 1)),
    steps,
    guided: number('guidanceScale', 1) > guidedAbove,
    pictures,
  };
}
