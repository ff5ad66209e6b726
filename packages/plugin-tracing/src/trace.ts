import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Component, type Tensor } from '@thimble/core';
import { checkMembers, checkOptionNames, fileSystemError, runtimeIdentity } from '@thimble/core/plugin';
import { assertOwnWeights, assertTraceable } from './assertTraceable.js';
import { fingerprintCheckpoint } from './fingerprintCheckpoint.js';
import { fingerprintLayers } from './fingerprintLayers.js';
import { publishTrace } from './publishTrace.js';
import { writeSegmentTrace } from './SegmentTrace.js';
import { TracedModel } from './TracedModel.js';
import { writeManifest } from './TraceManifest.js';

/** Options of {@link trace}. */
export interface TraceOptions {
  /** Default 'call'; `decode` or `encode` for a VAE. */
  readonly entry?: string | undefined;
  /**
   * Whether weights are saved too, as float32 and in the order in which this kind of processor reads them: faster steps, for 4.4 GB on disk with the UNet of
   * Stable Diffusion 1.5. Default false: the trace is small, and reads the weights where they lie.
   */
  readonly prepack?: boolean | undefined;
  /** Where to write the trace: a new or empty folder, or one that holds a trace, which is replaced once the new one is whole. By default a temporary folder, which is gone with the program or when the traced model is disposed. */
  readonly dir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Traces a component for the sizes of example inputs: builds the graphs with the plugins of now, freezes their sizes, and has them optimised once. The result can be
 * saved, loaded in another process without optimising again, and put in the component's place.
 *
 * Mirrors `torch.jit.trace(model, example_inputs)`. On the CPU provider alone.
 *
 * @throws ERR_INPUT_INVALID for inputs that the component does not take; ERR_ARGUMENT_INVALID on another provider, for weights that a plugin made
 *   (LayerwiseCastingPlugin's), and for a `dir` that holds something else; ERR_DISK_FULL, ERR_FILE_ACCESS; `signal.reason`
 */
export async function trace(
  component: Component,
  exampleInputs: Readonly<Record<string, Tensor>>,
  options: TraceOptions = {},
): Promise<TracedModel> {
  checkMembers('component', component, 'a component of a pipeline', ['name', 'model', 'device']);
  checkOptionNames(options, ['entry', 'prepack', 'dir', 'signal'], 'trace');
  const { entry = 'call', prepack = false, dir, signal } = options;
  assertTraceable(component.device.provider);
  const { inputs, programs } = await component.freeze(entry, exampleInputs, {
    signal,
    directConvolutions: prepack,
  });
  assertOwnWeights(component, programs);
  const write = async (folder: string): Promise<void> => {
    for (const [name, program] of programs) {
      signal?.throwIfAborted();
      await writeSegmentTrace(join(folder, name), program, prepack, async (model, target) =>
        component.device.optimize(model, target, signal),
      );
    }
    await writeManifest(folder, {
      component: component.name,
      className: component.model.className,
      entry,
      inputs,
      prepack,
      checkpoint: await fingerprintCheckpoint(component.checkpoint),
      layers: fingerprintLayers(component),
      runtime: runtimeIdentity(),
      segments: [...programs.keys()],
    });
  };
  const folder = dir === undefined ? await writeTemporary(write) : await publishTrace(dir, write);
  const traced = await TracedModel.open(folder, dir === undefined);
  traced.attachTo(component);
  return traced;
}

async function writeTemporary(write: (folder: string) => Promise<void>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thimble-trace-')).catch((error: unknown) => {
    throw fileSystemError(error, tmpdir(), 'write');
  });
  try {
    await write(folder);
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw fileSystemError(error, folder, 'write');
  }
}
