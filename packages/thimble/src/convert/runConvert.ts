import { convertCheckpoint } from '@thimble/core';
import type { Interruption } from '../Interruption.js';
import { PlainProgress } from '../progress/PlainProgress.js';
import { registerFormats } from '../registerFormats.js';
import { print } from '../standardOutput.js';
import { withoutUndefined } from '../withoutUndefined.js';
import type { ConvertFlags } from './ConvertFlags.js';

/** Does what `thimble convert` says. */
export async function runConvert(
  model: string,
  out: string,
  {
    singleFile,
    diffusers,
    dtype,
    variant,
    revision,
    config,
    offline = false,
    allowSymlinks,
    quiet = false,
  }: ConvertFlags,
  { signal }: Interruption,
): Promise<void> {
  await registerFormats([model]);
  const progress = quiet ? undefined : new PlainProgress();
  const oneFile = singleFile ?? (diffusers !== true && out.endsWith('.safetensors'));
  await convertCheckpoint(model, out, {
    ...withoutUndefined({ dtype, variant, revision, config, allowSymlinks }),
    layout: oneFile ? 'single-file' : 'diffusers',
    localFilesOnly: offline,
    signal,
    onProgress: (event) => progress?.event(event),
    onWritten: (done, total) => progress?.event({ type: 'progress', task: 'converted', done, total }),
  });
  print(`${out}\n`);
}
