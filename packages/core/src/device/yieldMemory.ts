import { writeFileSync } from 'node:fs';

/** Where Linux is told which process to end first, from -1000 to 1000. */
export const OOM_SCORE = '/proc/self/oom_score_adj';

/** Where memory runs out, Linux ends this process first, and not the one that started it. Other systems cannot be asked. */
export function yieldMemory(
  platform = process.platform,
  write: (file: string, text: string) => void = writeFileSync,
): void {
  if (platform !== 'linux') return;
  try {
    write(OOM_SCORE, '1000');
  } catch {
    // Where that is not allowed, the system chooses.
  }
}
