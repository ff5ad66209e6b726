import type { Component } from '../execution/Component.js';
import type { Pipeline } from '../run/Pipeline.js';
import { checkRoom, type RoomLack, type RunSides } from './checkRoom.js';
import type { Pictures } from './starts/Pictures.js';

/** A run that makes pictures. */
export interface PictureRun {
  readonly options: RunSides & { readonly outputType: string; readonly image?: unknown };
  readonly pictures: Pictures | undefined;
}

/** How a pipeline makes them. */
export interface PictureMaking {
  readonly denoiser: Component;
  /** The sizes of the denoiser's inputs, by their names, for latents of this height and width. */
  readonly denoiserSizes: (latentHeight: number, latentWidth: number) => Readonly<Record<string, number>>;
  /** Pixels per latent, on each side. */
  readonly scaleFactor: number;
  /** What sides are multiples of, in pixels. */
  readonly multiple: number;
  readonly signal: AbortSignal;
}

/**
 * Refuses pictures that the memory limit has no room for: those that could not be denoised, decoded or encoded. A plugin that decodes in pieces knows better what that takes.
 *
 * @throws ERR_MEMORY_LIMIT with the largest size that fits; `signal.reason`
 */
export async function checkPictureRoom(
  { components: { vae }, hooks }: Pick<Pipeline, 'components' | 'hooks'>,
  { options, pictures }: PictureRun,
  { denoiser, denoiserSizes, scaleFactor, multiple, signal }: PictureMaking,
): Promise<void> {
  const { outputType, image } = options;
  // How large a picture is that it begins with is known once it is read.
  if (image !== undefined && pictures === undefined) return;
  const decoder = outputType === 'latent' || hooks.beforeDecode.isUsed() ? undefined : vae;
  const encoder = image === undefined || hooks.beforeEncode.isUsed() ? undefined : vae;
  const lackAt = async ({ width, height }: RunSides): Promise<RoomLack | undefined> => {
    const [latentHeight, latentWidth] = [height / scaleFactor, width / scaleFactor];
    return (
      (await lackOf(denoiser, 'call', denoiserSizes(latentHeight, latentWidth))) ??
      (await lackOf(decoder, 'decode', { latentHeight, latentWidth })) ??
      (await lackOf(encoder, 'encode', { height, width }))
    );
  };
  await checkRoom(options, { step: multiple, lackAt, signal });
}

async function lackOf(
  component: Component | undefined,
  entry: string,
  sizes: Readonly<Record<string, number>>,
): Promise<RoomLack | undefined> {
  const excess = await component?.excess(entry, sizes);
  return excess && { ...excess, what: `${component?.name}.${entry}` };
}
