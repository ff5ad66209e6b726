import type { Component } from '../execution/Component.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { decodeImages } from './decodeImages.js';
import { LatentPreview } from './LatentPreview.js';
import type { Preview } from './Preview.js';

/** What the option `previews` says: none, by a linear map from latents to colours (true or 'rgb'), or by a small VAE ('tiny'). */
export type PreviewKind = boolean | 'rgb' | 'tiny';

/** The name of a component that decodes previews and nothing else; a pipeline lists it in its `optionalComponents`. */
export const PREVIEW_VAE = 'preview_vae';

type Components = Readonly<Record<string, Component>>;

/** Before a run: whether previews can be drawn as asked, of latents with so many channels. @throws ERR_ARGUMENT_INVALID */
export function checkPreviews(previews: PreviewKind, components: Components, channels: number): void {
  if (previews !== 'tiny') return;
  const vae = tinyVaeOf(components);
  const how = `components: { ${PREVIEW_VAE}: await AutoencoderTiny.fromPretrained(…) }`;
  if (vae === undefined) refuseOption('previews', previews, `'rgb', or an AutoencoderTiny beside it: ${how}`);
  const own = Number(vae.config['latent_channels']);
  if (own !== channels)
    refuseOption(
      'previews',
      previews,
      `an AutoencoderTiny for latents of ${channels} channels; "${vae.name}" is for ${own}`,
    );
}

/** What draws a run's previews, by its option. */
export async function previewOf(
  previews: PreviewKind,
  components: Components,
  run: PipelineRun,
): Promise<Preview | undefined> {
  if (previews === false) return undefined;
  const tiny = previews === 'tiny' ? tinyVaeOf(components) : undefined;
  if (tiny !== undefined) return { draw: async (latents) => decodeImages(tiny, latents, run.callOptions) };
  return LatentPreview.of(components['vae'] as Component, run.signal);
}

/** One that is there for previews, or the checkpoint's own. */
function tinyVaeOf({ [PREVIEW_VAE]: preview, vae }: Components): Component | undefined {
  return [preview, vae].find((each) => each?.model.className === 'AutoencoderTiny');
}
