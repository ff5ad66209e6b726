import { type EventEmitter, getEventListeners } from 'node:events';
import type { DiffusionPipeline } from '@thimble/core';

/** The listeners on this process and on whatever of a pipeline tells of events, as `process: exit`, one entry for each. */
export function listenersOf(pipe: DiffusionPipeline): string[] {
  const sources = { process, pipe, device: pipe.device, ...pipe.components };
  return Object.entries(sources).flatMap(([name, source]) => listenersOn(name, source));
}

/** How many wait for a signal's abort. */
export function abortListeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

function listenersOn(name: string, source: unknown): string[] {
  if (!isEmitter(source)) return [];
  return source
    .eventNames()
    .flatMap((event) => Array.from({ length: source.listenerCount(event) }, () => `${name}: ${String(event)}`));
}

/** By what it can do: jest's sandbox has a process of its own. */
function isEmitter(source: unknown): source is EventEmitter {
  return typeof source === 'object' && source !== null && 'eventNames' in source && 'listenerCount' in source;
}
