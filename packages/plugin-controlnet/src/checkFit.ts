import { DOWN_RESIDUAL, MID_RESIDUAL, type ModelInput } from '@thimble/core/model';
import type { ComponentHandle, PluginHostPipeline } from '@thimble/core/plugin';
import { ControlNetError } from './ControlNetError.js';
import type { ControlNetModel } from './ControlNetModel.js';

/** Whether an input is one for what is added to hidden states. */
export function isResidual(name: string): boolean {
  return name === MID_RESIDUAL || name.startsWith(DOWN_RESIDUAL);
}

/** @throws ERR_CONTROLNET_MISMATCH for a ControlNet that was made for another UNet than the pipeline's */
export function checkFit(
  { components }: Pick<PluginHostPipeline, 'components'>,
  nets: readonly ComponentHandle[],
): void {
  for (const net of nets) {
    const problem = problemOf(net, components['unet']);
    if (problem !== undefined) throw new ControlNetError('ERR_CONTROLNET_MISMATCH', { model: net.name, problem });
  }
}

function problemOf(net: ComponentHandle, unet: ComponentHandle | undefined): string | undefined {
  if (unet === undefined) return 'there is no unet to control';
  if (net.model.className !== 'ControlNetModel') return `it is a ${net.model.className}`;
  const model = net.model as ControlNetModel;
  const [there, own] = [inputsOf(unet), inputsOf(net)];
  const channels = Object.entries(there).flatMap(([name, { dims }]) => (isResidual(name) ? [dims[1]] : []));
  const residuals = [...model.controlnet_down_blocks, model.controlnet_mid_block].map(({ weight }) => weight.shape[0]);
  if (channels.join() !== residuals.join())
    return `the UNet has hidden states of ${channels.join(', ')} channels, and it was made for ${residuals.join(', ')}`;
  const missing = Object.entries(own).find(
    ([name, { optional }]) => name !== 'controlnet_cond' && optional !== true && !Object.hasOwn(there, name),
  )?.[0];
  if (missing !== undefined) return `it needs ${missing}, which the UNet does not`;
  const [width, expected] = [there, own].map((inputs) => inputs['encoder_hidden_states']?.dims[2]);
  return width === expected ? undefined : `the UNet reads texts of ${width} numbers a token, and it of ${expected}`;
}

function inputsOf({ model }: ComponentHandle): Readonly<Record<string, ModelInput>> {
  return model.entries['call']?.inputs ?? {};
}
