import { cp } from 'node:fs/promises';
import { resolve } from 'node:path';
import { publishTrace } from './publishTrace.js';

/** Copies a trace to a folder, as {@link publishTrace} writes one. @throws ERR_ARGUMENT_INVALID for a folder that holds something else */
export async function copyTrace(folder: string, dir: string): Promise<void> {
  if (resolve(dir) === folder) return;
  await publishTrace(dir, async (staging) => cp(folder, staging, { recursive: true }));
}
