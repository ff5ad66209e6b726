import { readFile, stat, statfs, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  type FileRange,
  fileSystemError,
  makeFolder,
  OPTIMIZED_GRAPH,
  OPTIMIZED_WEIGHTS,
  type SegmentPreparation,
  type CompiledSegment,
} from '@thimble/core/plugin';
import { TraceError } from './TraceError.js';

const DESCRIPTION = 'segment.json';

/** One segment's optimised graph, as it lies in a folder of its own. */
interface SegmentDescription {
  readonly mode: 'optimized' | 'prepacked';
  /** Sizes of the files; 0 where the weights are those of the checkpoint. */
  readonly graphBytes: number;
  readonly weightBytes: number;
  /** The folder that the weights' files are relative to, absolute; absent for a graph without weights. */
  readonly folder?: string;
  /** Where the weights lay that the graph was made of. */
  readonly weights: readonly FileRange[];
}

/** Has a graph optimised into `folder`, which is made. */
export async function writeSegmentTrace(
  folder: string,
  { model, ranges }: CompiledSegment,
  prepack: boolean,
  optimize: SegmentPreparation['optimize'],
): Promise<void> {
  await makeFolder(folder);
  await optimize(model, { folder, prepack }).catch(async (error: unknown) => {
    throw await asDiskFailure(error, folder);
  });
  const description: SegmentDescription = {
    mode: prepack ? 'prepacked' : 'optimized',
    graphBytes: await sizeOf(join(folder, OPTIMIZED_GRAPH)),
    weightBytes: await sizeOf(join(folder, OPTIMIZED_WEIGHTS)),
    ...(model.folder === undefined ? {} : { folder: model.folder }),
    weights: ranges.map(({ file, ...range }) => ({
      ...range,
      file: model.folder === undefined ? file : relative(model.folder, file),
    })),
  };
  await writeFile(join(folder, DESCRIPTION), JSON.stringify(description));
}

/**
 * The program in a folder that {@link writeSegmentTrace} wrote. Weights that are not in the trace are looked for in the folders `homes`, in this
 * order; it is given the one where they were.
 *
 * @throws ERR_TRACE_INVALID for what is missing or cut off
 */
export async function readSegmentTrace(
  folder: string,
  name: string,
  homesOf: (recorded: string) => readonly string[],
): Promise<CompiledSegment> {
  const description = await readDescription(folder);
  const [graphBytes, weightBytes] = [
    await sizeOf(join(folder, OPTIMIZED_GRAPH)),
    await sizeOf(join(folder, OPTIMIZED_WEIGHTS)),
  ];
  if (graphBytes !== description.graphBytes)
    throw damaged(folder, `"${OPTIMIZED_GRAPH}" has ${graphBytes} bytes in place of ${description.graphBytes}`);
  if (weightBytes !== description.weightBytes)
    throw damaged(folder, `"${OPTIMIZED_WEIGHTS}" has ${weightBytes} bytes in place of ${description.weightBytes}`);
  const bytes = new Uint8Array(await readFile(join(folder, OPTIMIZED_GRAPH)));
  const { mode } = description;
  if (weightBytes > 0)
    return {
      model: { name, bytes, mode, folder },
      ranges: [{ file: join(folder, OPTIMIZED_WEIGHTS), offset: 0, byteLength: weightBytes }],
    };
  if (description.folder === undefined) return { model: { name, bytes, mode }, ranges: [] };
  const homes = homesOf(description.folder);
  const home = await findWeights(description, homes);
  if (home === undefined)
    throw damaged(
      folder,
      `the weights it reads, "${description.weights[0]?.file}", are not in ${homes.map((path) => `"${path}"`).join(' or ')}`,
    );
  return {
    model: { name, bytes, mode, folder: home },
    ranges: description.weights.map((range) => ({ ...range, file: join(home, range.file) })),
  };
}

/** The runtime says only that it could not write, in the innermost cause. Where there is hardly room left, that is why. */
async function asDiskFailure(error: unknown, folder: string): Promise<unknown> {
  let said = error;
  while (said instanceof Error && said.cause !== undefined) said = said.cause;
  if (!/failed to write|no space left|serialization failed/i.test(String(said))) return error;
  const { bavail, bsize } = await statfs(folder);
  const code = bavail * bsize < 2 ** 20 ? 'ENOSPC' : 'EACCES';
  return fileSystemError(
    Object.assign(new Error('the runtime cannot write', { cause: error }), { code }),
    folder,
    'write',
  );
}

async function readDescription(folder: string): Promise<SegmentDescription> {
  try {
    return JSON.parse(await readFile(join(folder, DESCRIPTION), 'utf8')) as SegmentDescription;
  } catch (error) {
    throw new TraceError(
      'ERR_TRACE_INVALID',
      { trace: folder, problem: `"${DESCRIPTION}" cannot be read: ${String(error)}` },
      { cause: error },
    );
  }
}

async function findWeights({ weights }: SegmentDescription, homes: readonly string[]): Promise<string | undefined> {
  const files = [...new Set(weights.map(({ file }) => file))];
  for (const home of homes) {
    const sizes = await Promise.all(files.map((file) => sizeOf(join(home, file))));
    if (sizes.every((size) => size > 0)) return home;
  }
  return undefined;
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function damaged(folder: string, problem: string): Error {
  return new TraceError('ERR_TRACE_INVALID', { trace: folder, problem });
}
