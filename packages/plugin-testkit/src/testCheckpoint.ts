import { fileURLToPath } from 'node:url';

/**
 * The folder of a complete Stable Diffusion checkpoint in diffusers' layout with some 170,000 random weights (float32, 0.7 MB): its pictures are noise, 64×64
 * by default, and a step takes milliseconds. Read only.
 */
export const testCheckpoint: string = fileURLToPath(new URL('../checkpoint', import.meta.url));
