import { stat } from 'node:fs/promises';
import type { DiffusionPipeline } from '@thimble/core';
import { checkPath, fileSystemError, MemoryBudget, readOptions } from '@thimble/core/plugin';
import { inSteadyHeap } from './inSteadyHeap.js';
import { MemoryPlanner } from './MemoryPlanner.js';
import { openToPlan } from './model/openToPlan.js';
import { runOf } from './model/runOf.js';
import type { Plan } from './Plan.js';
import { planFields, type PlanOptions } from './PlanOptions.js';
import { planOrRefuse } from './planOrRefuse.js';
import { readMachineSpeed } from './time/readMachineSpeed.js';

/** A planner of a model's runs, and what it was asked for. */
export interface OpenedPlanner {
  readonly planner: MemoryPlanner;
  /** In bytes; `undefined` = no limit. */
  readonly limitBytes: number | undefined;
  /** The same for another size, to see what would fit. */
  readonly ofSize: (width: number, height: number) => MemoryPlanner;
}

/**
 * Which plugins a model needs within so much memory, and what it takes with them, in memory and time: the fastest combination that fits. Worked out of configs, the headers of weight files
 * and graphs; nothing is loaded. Once for each machine some products of matrices and the disk are measured, in a few hundred milliseconds.
 *
 * @param model a folder, a file or a hub id, as `fromPretrained` takes it
 * @throws ERR_MEMORY_LIMIT where nothing of the quality fits: with the least limit that would do, the largest size that would fit, and the plan of less quality that fits; ERR_ARGUMENT_INVALID; what opening the model throws; `signal.reason`
 */
export async function planMemory(model: string, options: PlanOptions = {}): Promise<Plan> {
  const { quality = 'exact' } = options;
  const { planner, limitBytes, ofSize } = await openPlanner(model, options);
  return planOrRefuse(planner, { limitBytes, quality, ofSize });
}

/** What plans a model's runs within any limit. @throws as {@link planMemory}, but for ERR_MEMORY_LIMIT */
export async function openPlanner(model: string, options: PlanOptions = {}): Promise<OpenedPlanner> {
  checkPath('model', model, 'a folder, a file, or a hub id');
  const values = readOptions(options, planFields, 'planMemory');
  const limitBytes = values.device === 'cpu' ? MemoryBudget.of(values.memory).limit : undefined;
  await using pipe = await inSteadyHeap(async () => openToPlan(model, values));
  const run = runOf(pipe, values);
  const { components, calls, device } = pipe;
  const file = firstFile(pipe);
  const speed = values.machine ?? (await readMachineSpeed({ device, file }));
  const besideBytes = await sizesOf(values.lora ?? []);
  const ofSize = (width: number, height: number): MemoryPlanner =>
    new MemoryPlanner({ components, run: { ...run, width, height }, calls, speed, besideBytes });
  return { planner: ofSize(run.width, run.height), limitBytes, ofSize };
}

/** A file of weights, by which the disk is measured. */
function firstFile({ components }: DiffusionPipeline): string | undefined {
  return Object.values(components)
    .flatMap(({ checkpoint }) => [...checkpoint.files])
    .at(-1);
}

async function sizesOf(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    try {
      bytes += (await stat(file)).size;
    } catch (error) {
      throw fileSystemError(error, file, 'read');
    }
  }
  return bytes;
}
