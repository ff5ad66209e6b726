import type { Interruption } from '../Interruption.js';
import { PlainProgress } from '../progress/PlainProgress.js';
import { formatInt8Report, formatModelReport } from './formatModelReport.js';
import type { InspectFlags } from './InspectFlags.js';
import { inspectModel } from './inspectModel.js';
import { inspectPicture, isPicture } from './inspectPicture.js';
import { print, tell } from '../standardOutput.js';

/** Does what `thimble inspect` says. */
export async function runInspect(
  model: string,
  {
    variant,
    revision,
    config,
    offline,
    allowSymlinks,
    size,
    segments = false,
    int8 = false,
    json = false,
  }: InspectFlags,
  { signal }: Interruption,
): Promise<void> {
  if (isPicture(model)) {
    print(`${await inspectPicture(model, { json })}\n`);
    return;
  }
  if (int8) {
    const { inspectInt8 } = await import('./inspectInt8.js');
    const reports = await inspectInt8(model, {
      variant,
      revision,
      config,
      localFilesOnly: offline,
      allowSymlinks,
      signal,
      onLine: (line) => tell(`${line}\n`),
    });
    print(`${json ? JSON.stringify(reports) : formatInt8Report(reports)}\n`);
    return;
  }
  const progress = new PlainProgress();
  const report = await inspectModel(model, {
    variant,
    revision,
    config,
    localFilesOnly: offline,
    allowSymlinks,
    size,
    signal,
    onProgress: (event) => progress.event(event),
  });
  print(`${json ? JSON.stringify(report) : formatModelReport(report, { segments })}\n`);
}
