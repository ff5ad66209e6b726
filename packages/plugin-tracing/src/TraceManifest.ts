import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type InputShapes } from '@thimble/core/model';
import { type RuntimeIdentity, runtimeIdentity } from '@thimble/core/plugin';
import { TraceError } from './TraceError.js';

/** The file that makes a folder a trace. */
export const TRACE_MANIFEST = 'trace.json';
const FORMAT = 2;

/** What a saved trace says about itself. */
export interface TraceManifest {
  readonly format: number;
  /** The component's name in its pipeline: `unet`. */
  readonly component: string;
  /** diffusers' class: `UNet2DConditionModel`. */
  readonly className: string;
  readonly entry: string;
  readonly inputs: InputShapes;
  readonly prepack: boolean;
  /** Of the checkpoint's weights. */
  readonly checkpoint: string;
  /** Of which of them each parameter is. */
  readonly layers: string;
  readonly runtime: RuntimeIdentity;
  /** Names of the segments, in order; each has a folder. */
  readonly segments: readonly string[];
}

/** Writes `trace.json`. */
export async function writeManifest(folder: string, manifest: Omit<TraceManifest, 'format'>): Promise<void> {
  await writeFile(join(folder, TRACE_MANIFEST), JSON.stringify({ format: FORMAT, ...manifest }, undefined, 2));
}

/**
 * Reads `trace.json`.
 *
 * @throws ERR_TRACE_INVALID if there is none or it is of another format; ERR_TRACE_MISMATCH if it was made for another runtime or processor
 */
export async function readManifest(folder: string): Promise<TraceManifest> {
  const manifest = await parse(folder);
  if (manifest.format !== FORMAT)
    throw new TraceError('ERR_TRACE_INVALID', {
      trace: folder,
      problem: `its format is ${manifest.format}, and this version reads ${FORMAT}`,
    });
  const now = runtimeIdentity();
  checkSame(folder, 'version of onnxruntime-node', manifest.runtime.version, now.version);
  checkSame(folder, 'kind of processor', manifest.runtime.cpu, now.cpu);
  return manifest;
}

/** @throws ERR_TRACE_MISMATCH unless both are the same */
export function checkSame(trace: string, what: string, traced: string, now: string): void {
  if (traced !== now) throw mismatch(trace, what, traced, now);
}

/** The error of a trace that was made for something else; `remedy` says what to do. */
export function mismatch(
  trace: string,
  what: string,
  traced: string,
  now: string,
  remedy = 'Trace the component again.',
): Error {
  return new TraceError('ERR_TRACE_MISMATCH', { trace, what, traced, now, remedy });
}

async function parse(folder: string): Promise<TraceManifest> {
  try {
    return JSON.parse(await readFile(join(folder, TRACE_MANIFEST), 'utf8')) as TraceManifest;
  } catch (error) {
    throw new TraceError(
      'ERR_TRACE_INVALID',
      {
        trace: folder,
        problem: `"${TRACE_MANIFEST}" cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      },
      { cause: error },
    );
  }
}
