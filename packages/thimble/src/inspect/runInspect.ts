import type { Interruption } from '../Interruption.js';
import { PlainProgress } from '../progress/PlainProgress.js';
import { formatModelReport } from './formatModelReport.js';
import type { InspectFlags } from './InspectFlags.js';
import { inspectModel } from './inspectModel.js';

/** Does what `thimble inspect` says. */
export async function runInspect(model: string, { variant, revision, offline, segments = false, json = false }: InspectFlags, { signal }: Interruption): Promise<void> {
  const progress = new PlainProgress();
  const report = await inspectModel(model, { variant, revision, localFilesOnly: offline, signal, onProgress: (event) => progress.event(event) });
  process.stdout.write(`${json ? JSON.stringify(report) : formatModelReport(report, { segments })}\n`);
}
