import { isThimbleError, ThimbleError } from '../../errors.js';

const KEPT = ['ERR_PLUGIN_HOOK', 'ERR_DISK_FULL', 'ERR_FILE_ACCESS', 'ERR_DEVICE_CRASHED', 'ERR_DISPOSED'] as const;

/**
 * What a hook throws for `cause`, which the tap of `owner` threw: an `ERR_PLUGIN_HOOK` that names the owner.
 * Three things keep their identity: an error that names a plugin already (the innermost one is the guilty one), what is no plugin's fault, as a disk that
 * is full, a device's process that died or a pipeline that was disposed, and an abort of the run: whatever form it took in the tap, it becomes the signal's reason.
 */
export function attributeError(cause: unknown, owner: string, hook: string, payloads: readonly unknown[]): unknown {
  if (KEPT.some((code) => isThimbleError(cause, code))) return cause;
  for (const payload of payloads) {
    const signal = signalOf(payload);
    if (signal?.aborted && (cause === signal.reason || nameOf(cause) === 'AbortError')) return signal.reason;
  }
  return new ThimbleError('ERR_PLUGIN_HOOK', { plugin: owner, hook, cause: messageOf(cause) }, { cause });
}

/** The signal of a payload or of the run it belongs to. */
function signalOf(payload: unknown): AbortSignal | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { signal, run } = payload as { signal?: AbortSignal; run?: { signal?: AbortSignal } };
  return signal ?? run?.signal;
}

function nameOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined;
}

function messageOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message);
}
