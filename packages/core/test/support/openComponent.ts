import { InlineDevice } from '../../src/device/InlineDevice.js';
import type { Device } from '../../src/device/Device.js';
import type { MemoryBudget } from '../../src/device/MemoryBudget.js';
import { createHooks, type Hooks } from '../../src/hooks/manifest.js';
import { modelRegistry } from '../../src/models/modelRegistry.js';
import { Component } from '../../src/execution/Component.js';
import { openComponentCheckpoint } from '../../src/weights/ComponentCheckpoint.js';

/** A component of a fixture's checkpoint on a device of its own. */
export async function openComponent(
  folder: string,
  name: string,
  options: { device?: Device; hooks?: Hooks; budget?: MemoryBudget } = {},
): Promise<Component> {
  const checkpoint = await openComponentCheckpoint(`${folder}/${name}`);
  const className = checkpoint.className ?? '';
  const factory = modelRegistry[className];
  if (factory === undefined) throw new Error(`no model ${className}`);
  const { device = new InlineDevice({ provider: 'cpu' }), hooks = createHooks(), budget } = options;
  return new Component({
    name,
    checkpoint,
    device,
    hooks,
    model: factory.fromConfig(checkpoint.config, className),
    ...(budget && { budget }),
  });
}
