import type { Tensor } from 'onnxruntime-common';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';
import { type ComponentCheckpoint, openComponentCheckpoint } from '../../src/weights/ComponentCheckpoint.js';
import { FixtureCase } from './FixtureCase.js';

/** A UNet, and one call of it as diffusers computed it. */
export interface RecordedUNet {
  readonly checkpoint: ComponentCheckpoint;
  readonly model: UNet2DConditionModel;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly shapes: Parameters<UNet2DConditionModel['graph']>[1];
  /** How far a sample is from diffusers', in tolerances: 1 at most. */
  readonly excess: (sample: Tensor) => Promise<number>;
}

/** The UNet of a fixture, with the call that was recorded of it. */
export async function recordedUNet(name: string): Promise<RecordedUNet> {
  const fixture = await FixtureCase.open(name);
  const checkpoint = await openComponentCheckpoint(`${fixture.folder}/unet`);
  const call = fixture.calls.find(({ call: what }) => what === 'UNet2DConditionModel.forward')?.name as string;
  const inputs = await fixture.inputs(call);
  return {
    checkpoint,
    model: UNet2DConditionModel.fromConfig(checkpoint.config),
    inputs,
    shapes: Object.fromEntries(
      Object.entries(inputs).map(([input, { type, dims }]) => [input, { type: type as 'float32', dims }]),
    ),
    excess: async (sample) => fixture.excess(call, 'sample', sample),
  };
}
