import { fileURLToPath } from 'node:url';

/** A whole Stable Diffusion 1 of a few thousand parameters. */
export const SD_TINY = fileURLToPath(new URL('../../../core/test/fixtures/sd-tiny', import.meta.url));
