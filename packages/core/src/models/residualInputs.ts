import { checkMembers } from '../fields/checkMembers.js';
import type { ModelInput } from './Model.js';
import type { UNetOptions } from './UNetOptions.js';

/** What the names of inputs begin with that are added to the hidden states of the down path; their numbers follow. */
export const DOWN_RESIDUAL = 'down_block_additional_residuals.';

/** The input that is added to what the mid block gives. */
export const MID_RESIDUAL = 'mid_block_additional_residual';

/** The UNet's inputs for residuals, such as a ControlNet's: one for each hidden state that the up path takes back, and one for the mid block. @throws ERR_ARGUMENT_INVALID for options that are none */
export function residualInputs(options: UNetOptions): Record<string, ModelInput> {
  checkMembers('options', options, 'what readUNetOptions gives', ['blockOutChannels', 'layersPerBlock']);
  const { blockOutChannels, layersPerBlock } = options;
  const states = [residual(blockOutChannels[0] as number, 0)];
  const last = blockOutChannels.length - 1;
  for (const [level, channels] of blockOutChannels.entries()) {
    for (let i = 0; i < (layersPerBlock[level] as number); i++) states.push(residual(channels, level));
    if (level < last) states.push(residual(channels, level + 1));
  }
  return {
    ...Object.fromEntries(states.map((input, i) => [`${DOWN_RESIDUAL}${i}`, input])),
    [MID_RESIDUAL]: residual(blockOutChannels[last] as number, last),
  };
}

/** Heights and widths behind so many downsamplers, which round as their convolutions do: what {@link residualInputs} name, for the `derived` of an entry point. @throws ERR_ARGUMENT_INVALID for options that are none */
export function residualSizes(options: UNetOptions): Record<string, (sizes: ReadonlyMap<string, number>) => number> {
  checkMembers('options', options, 'what readUNetOptions gives', ['blockOutChannels', 'downsamplePadding']);
  const { blockOutChannels, downsamplePadding } = options;
  // Without padding a pixel is added at one side.
  const sides = downsamplePadding === 0 ? 1 : 2 * downsamplePadding;
  const halve = (size: number): number => Math.floor((size + sides - 3) / 2) + 1;
  const derived: Record<string, (sizes: ReadonlyMap<string, number>) => number> = {};
  for (const axis of ['height', 'width']) {
    for (let level = 1; level < blockOutChannels.length; level++)
      derived[sizeName(axis, level)] = (sizes) =>
        Array.from({ length: level }).reduce<number>(halve, sizes.get(axis) as number);
  }
  return derived;
}

function residual(channels: number, level: number): ModelInput {
  const dims = ['batch', channels, sizeName('height', level), sizeName('width', level)];
  return { types: ['float32'], dims, optional: true };
}

/** `height`, `height/2`, `height/4`. */
function sizeName(axis: string, level: number): string {
  return level === 0 ? axis : `${axis}/${2 ** level}`;
}
