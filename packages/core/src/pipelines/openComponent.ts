import { ThimbleError } from '../errors.js';
import { Component } from '../execution/Component.js';
import { MODELS } from '../extension/tokens.js';
import type { Model } from '../models/Model.js';
import {
  type CheckpointWarning,
  type ComponentCheckpoint,
  openComponentCheckpoint,
} from '../weights/ComponentCheckpoint.js';
import type { ComponentClass } from '../weights/ModelIndex.js';
import type { PartPlace } from '../weights/PartPlace.js';
import { variantOf } from '../weights/PipelineDtype.js';
import type { Composition } from './composition.js';
import { activationsOf, storedOtherwise } from './dtype.js';

/** Opens a model of a checkpoint: of the class, and by the library, that `model_index.json` names. @throws ERR_COMPONENT_UNSUPPORTED, and what the checkpoint and its config give rise to */
export async function openComponent(
  name: string,
  { folder, config, weights }: PartPlace,
  { className, library }: Partial<ComponentClass> & Pick<ComponentClass, 'className'>,
  composition: Composition,
): Promise<Component> {
  const { options, services } = composition;
  const Class = services.find(MODELS, className);
  if (Class === undefined)
    throw new ThimbleError('ERR_COMPONENT_UNSUPPORTED', {
      component: name,
      className,
      supported: Object.keys(services.named(MODELS)),
    });
  const { variant, dtype } = options;
  const onWarning = (event: CheckpointWarning): void => {
    // Who asks for a type alone is told what it is stored in, not about file names.
    if (variant !== undefined || dtype === undefined) composition.warn(event);
  };
  const checkpoint = await openComponentCheckpoint(folder, {
    variant: variantOf(options),
    library,
    config,
    weights,
    onWarning,
  });
  const warning = storedOtherwise(name, checkpoint, dtype);
  if (warning !== undefined) composition.warn(warning);
  return bindComponent(name, Class.fromConfig(checkpoint.config, className), checkpoint, composition);
}

/** Binds a model and its checkpoint to the pipeline's device and hooks. @throws ERR_ARGUMENT_INVALID for a name under which a plugin opened a model */
export async function bindComponent(
  name: string,
  model: Model,
  checkpoint: ComponentCheckpoint,
  composition: Composition,
): Promise<Component> {
  const { options, hooks, budget, events, brought, compute } = composition;
  if (brought.has(name))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'name',
      value: name,
      expected: 'a name that no component of the checkpoint has; a plugin opened a model under it',
    });
  const device = await composition.device();
  return new Component({
    name,
    model,
    checkpoint,
    device,
    activations: activationsOf(options.dtype, device, checkpoint.config),
    hooks,
    budget,
    convolution: compute.convolution,
    notify: (event) => events.emit(event),
  });
}
