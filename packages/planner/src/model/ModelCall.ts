import { type ComponentHandle, DENOISER, plainCalls, type RunCalls } from '@thimble/core/plugin';
import { type ModelEntry, nominalShapes } from '@thimble/core/model';
import { CallFacts } from './CallFacts.js';
import type { RunShape } from './RunShape.js';

/** What a run calls of a model, as often and with as many samples. */
export interface ModelCall {
  readonly component: ComponentHandle;
  readonly kind: 'encoder' | 'denoiser' | 'decoder';
  readonly entry: string;
  /** Samples of a call. */
  readonly samples: number;
  /** Calls of a run. */
  readonly times: number;
  readonly facts: CallFacts;
}

/** Latents of a transformer that is given tokens: a token for 2×2 of them. */
const PATCH = 2;

/** The calls of a run in their order: text encoders, the denoiser, the decoder. Components that no run calls by themselves, such as those that plugins opened, are left out. */
export function modelCalls(
  components: Readonly<Record<string, ComponentHandle>>,
  run: RunShape,
  { apart, encoderOutputs }: RunCalls = plainCalls,
): readonly ModelCall[] {
  const scale = scaleOf(components['vae']);
  const latents = { height: Math.ceil(run.height / scale), width: Math.ceil(run.width / scale) };
  return Object.values(components).flatMap((component): ModelCall[] => {
    const kind = kindOf(component);
    if (kind === undefined) return [];
    const entry = kind === 'decoder' ? 'decode' : Object.keys(component.model.entries)[0];
    const described = component.model.entries[entry ?? ''];
    if (entry === undefined || described === undefined) return [];
    const sizes = sizesOf(described, latents, run);
    const pieces = piecesOf(described, sizes);
    const looks = run.guided && kind !== 'decoder' ? 2 : 1;
    const calls = apart && kind === 'denoiser' ? looks : 1;
    const outputs = kind === 'encoder' ? encoderOutputs(component.name) : undefined;
    return [
      {
        component,
        kind,
        entry,
        samples: ((kind === 'encoder' ? 1 : run.count) * looks) / calls,
        times: (kind === 'denoiser' ? run.steps : 1) * calls * pieces.count,
        facts: new CallFacts(
          component,
          entry,
          (batch) => nominalShapes(described, { ...sizes, ...pieces.sizes, batch }),
          outputs,
        ),
      },
    ];
  });
}

/** Pixels per latent, on each side. */
function scaleOf(vae: ComponentHandle | undefined): number {
  const channels = vae?.config['block_out_channels'];
  return Array.isArray(channels) ? 2 ** (channels.length - 1) : 8;
}

function kindOf({ name, model }: ComponentHandle): ModelCall['kind'] | undefined {
  if (name.startsWith('text_encoder')) return 'encoder';
  if (DENOISER.test(name)) return 'denoiser';
  return name === 'vae' && model.entries['decode'] !== undefined ? 'decoder' : undefined;
}

/** A sequence, such as the frames of a video, is computed piece by piece: how many there are, and the size of one. */
function piecesOf(
  { sequence, inputs }: ModelEntry,
  sizes: Readonly<Record<string, number>>,
): { readonly count: number; readonly sizes: Readonly<Record<string, number>> } {
  const [input] = Object.values(inputs);
  const name = sequence === undefined ? undefined : input?.dims[sequence.axis];
  if (sequence === undefined || typeof name !== 'string') return { count: 1, sizes: {} };
  const pieces = sequence.pieces(sizes[name] ?? 1);
  return { count: pieces.length, sizes: { [name]: pieces[0] ?? 1 } };
}

/** The sizes of an entry point's inputs, by the names that it has for them. */
export function sizesOf(
  { nominal, inputs }: ModelEntry,
  { height, width }: { readonly height: number; readonly width: number },
  run: RunShape,
): Readonly<Record<string, number>> {
  const names = new Set([...Object.keys(nominal), ...Object.values(inputs).flatMap(({ dims }) => dims)]);
  if (names.has('latentHeight'))
    return {
      latentHeight: height,
      latentWidth: width,
      ...(names.has('latentFrames') ? { latentFrames: Math.ceil(run.frames / 4) } : {}),
    };
  if (names.has('height')) return { height, width };
  return names.has('textTokens') ? { tokens: Math.ceil(height / PATCH) * Math.ceil(width / PATCH) } : {};
}
