import type { MemoryBudget } from '@thimble/core/plugin';
import { isOfVae, type ModelCall } from '../model/ModelCall.js';
import type { Setup } from '../techniques/Setup.js';

/** What one call of a model takes. */
export interface CallPeak {
  readonly call: ModelCall;
  /** Of both processes together, memory that the system cannot take back, in bytes. */
  readonly bytes: number;
  /** How many samples are computed at once. */
  readonly batch: number;
  /** Whether it is decoded in strips: how many, and what passes through the disk, in bytes. */
  readonly strips: { readonly count: number; readonly trafficBytes: number } | undefined;
  /** Whether the memory limit would refuse it. */
  readonly refused: boolean;
}

/** What a loaded session takes beside its weights, for a node of its graph: what onnxruntime keeps of it, in bytes. Measured: 104 MB for the 17,000 of Qwen3's layers, 122 for the 19,800 of SDXL's UNet. */
const NODE_BYTES = 6 * 2 ** 10;

/** Values of a VAE at once, at full size between two layers: as `VaeTilingPlugin` counts them. */
const TILE_SHARE = 1.3;

/** Side of a blended tile, in pixels. */
const TILE = 512;

/** What a call takes under a limit, as it is set up. `loadedNodes`: those of the graphs of other models that stay loaded. */
export async function peakOf(
  call: ModelCall,
  {
    setup,
    budget,
    loadedNodes,
  }: { readonly setup: Setup; readonly budget: MemoryBudget; readonly loadedNodes: number },
): Promise<CallPeak> {
  const { facts } = call;
  const sessions = NODE_BYTES * (loadedNodesOf(call, setup, budget) + loadedNodes);
  if (isOfVae(call)) return vaePeak(call, setup, budget, sessions + madeBytes(call));
  const parkedFrom = setup.residency === 'segment' ? budget.parkingBytes : Infinity;
  const needed = (batch: number): number =>
    budget.neededBytes(facts.valueBytes(batch, budget.transientBytes, parkedFrom), call.entry);
  const most = Math.min(call.samples, budget.maxBatch(facts.largestValue));
  const batch = most > 1 && !budget.hasRoom(needed(most), call.entry) ? 1 : most;
  const bytes = needed(batch);
  return {
    call,
    bytes: budget.peakBytes(bytes, 'values') + sessions + cachedBytes(call, setup),
    batch,
    strips: undefined,
    refused: !budget.hasRoom(bytes, call.entry),
  };
}

/** Of a picture that is decoded or encoded; `beside` it, in bytes. */
async function vaePeak(call: ModelCall, setup: Setup, budget: MemoryBudget, beside: number): Promise<CallPeak> {
  const { facts, samples } = call;
  const values = (batch: number): number => facts.valueBytes(batch, budget.transientBytes, Infinity);
  const most = setup.slicing ? 1 : Math.min(samples, budget.maxBatch(facts.largestValue));
  const one = budget.neededBytes(values(1), call.entry);
  const inTiles = (): CallPeak => {
    const share = Math.min(1, TILE_SHARE * (TILE ** 2 / Math.max(1, facts.pixels)));
    return {
      call,
      bytes: budget.peakBytes(budget.neededBytes(values(1) * share, call.entry), 'picture') + beside,
      batch: 1,
      strips: undefined,
      refused: false,
    };
  };
  if (setup.decoding === 'blended') return inTiles();
  if (budget.hasRoom(one, call.entry)) {
    const all = budget.neededBytes(values(most), call.entry);
    const batch = budget.hasRoom(all, call.entry) ? most : 1;
    return {
      call,
      bytes: budget.peakBytes(batch === 1 ? one : all, 'picture') + beside,
      batch,
      strips: undefined,
      refused: false,
    };
  }
  const picture = await facts.picture(budget);
  if (picture === undefined && setup.decoding === 'tiled') return inTiles();
  if (picture === undefined) return { ...inTiles(), bytes: budget.peakBytes(one, 'picture') + beside, refused: true };
  const bytes = Math.min(one, picture.neededBytes);
  const { phases, trafficBytes } = picture.strips;
  return {
    call,
    bytes: budget.peakBytes(bytes, 'strips') + beside,
    batch: 1,
    strips: { count: phases.reduce((sum, { strips }) => sum + strips.length, 0), trafficBytes },
    // A tiling plugin is asked by nobody.
    refused: setup.decoding === 'whole' && bytes > (budget.limit ?? Infinity),
  };
}

/** Bytes of a pixel of a picture that is done: red, green and blue. */
const MADE_PIXEL_BYTES = 3;

/** Pictures that are done while the last one is decoded: a run gives all of them. */
function madeBytes({ facts, samples }: ModelCall): number {
  return MADE_PIXEL_BYTES * facts.pixels * (samples - 1);
}

/** Hidden states of 320 channels that are kept from one step to the next, of the last two that were computed whole: 10 MB for SD 1.5 at 512×512. */
const CACHED_BYTES_PER_LATENT = 2 * 320 * 4;

function cachedBytes({ kind, facts, samples }: ModelCall, { steps }: Setup): number {
  return steps === 'cached' && kind === 'denoiser' ? CACHED_BYTES_PER_LATENT * facts.latents * samples : 0;
}

/** Nodes of the graphs that are there at once: those of one segment, where they come and go. */
function loadedNodesOf({ facts }: ModelCall, { residency }: Setup, { transientBytes }: MemoryBudget): number {
  const nodes = facts.nodes(transientBytes);
  return residency === 'segment' ? nodes / facts.segments : nodes;
}
