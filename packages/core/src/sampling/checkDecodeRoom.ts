import type { Pipeline } from '../run/Pipeline.js';

/** Says before the first step that pictures of latents [n, …] could not be decoded; a plugin that decodes in pieces knows better. @throws ERR_MEMORY_LIMIT */
export function checkDecodeRoom(
  { components: { vae }, hooks }: Pick<Pipeline, 'components' | 'hooks'>,
  outputType: string,
  [, , ...sides]: readonly number[],
): void {
  if (outputType === 'latent' || vae === undefined || hooks.beforeDecode.isUsed()) return;
  const dims = [1, Number(vae.config['latent_channels'] ?? 4), ...sides];
  vae.checkRoom('decode', { z: { type: 'float32', dims } });
}
