import { fileURLToPath } from 'node:url';

/** The folder of what tests and fuzzing have of real files, with its slash. */
export const FIXTURES = fileURLToPath(new URL('../../packages/core/test/fixtures/', import.meta.url));
