import { type AddedCall, type ComponentHandle, DENOISER, plainCalls, type RunCalls } from '@thimble/core/plugin';
import { type InputShapes, type ModelEntry, nominalShapes } from '@thimble/core/model';
import { CallFacts } from './CallFacts.js';
import type { RunShape } from './RunShape.js';

/** What a run calls of a model, as often and with as many samples. */
export interface ModelCall {
  readonly component: ComponentHandle;
  /** 'picture': that the VAE encodes; 'added': by a plugin. */
  readonly kind: 'encoder' | 'picture' | 'denoiser' | 'decoder' | 'added';
  readonly entry: string;
  /** Samples of a call. */
  readonly samples: number;
  /** Calls of a run. */
  readonly times: number;
  readonly facts: CallFacts;
}

/** Latents of a transformer that is given tokens: a token for 2×2 of them. */
const PATCH = 2;

/** Whether a picture is encoded or decoded. */
export function isOfVae({ kind }: Pick<ModelCall, 'kind'>): boolean {
  return kind === 'decoder' || kind === 'picture';
}

/** What is known of a run's calls. */
export interface CallsOfRun {
  /** Of the pipeline. Default: a denoiser's two looks at a picture are one call, and text encoders run whole. */
  readonly calls?: RunCalls | undefined;
  /** Of plugins. */
  readonly added?: readonly AddedCall[] | undefined;
}

/** The calls of a run in their order: text encoders, the denoiser, the decoder, and before each those that plugins add to it. Components that no run calls are left out. */
export function modelCalls(
  components: Readonly<Record<string, ComponentHandle>>,
  run: RunShape,
  { calls = plainCalls, added = [] }: CallsOfRun = {},
): readonly ModelCall[] {
  const scale = scaleOf(components['vae']);
  const latents = { height: Math.ceil(run.height / scale), width: Math.ceil(run.width / scale) };
  const addedBy = ({ component: name, entry }: AddedCall, call: Pick<ModelCall, 'samples' | 'times'>): ModelCall[] => {
    const component = components[name];
    const described = component?.model.entries[entry];
    if (component === undefined || described === undefined) return [];
    const sizes = sizesOf(described, latents, run);
    const facts = new CallFacts(component, entry, (batch) => nominalShapes(described, { ...sizes, batch }));
    return [{ ...call, component, kind: 'added', entry, facts }];
  };
  const own = Object.values(components).flatMap((component): ModelCall[] => {
    const kind = kindOf(component);
    if (kind === undefined) return [];
    const entry = kind === 'decoder' ? 'decode' : Object.keys(component.model.entries)[0];
    const described = component.model.entries[entry ?? ''];
    if (entry === undefined || described === undefined) return [];
    const sizes = sizesOf(described, latents, run);
    const pieces = piecesOf(described, sizes);
    const looks = run.guided && kind !== 'decoder' ? 2 : 1;
    const apart = calls.apart && kind === 'denoiser' ? looks : 1;
    const outputs = kind === 'encoder' ? calls.encoderOutputs(component.name) : undefined;
    const samples = ((kind === 'encoder' ? 1 : run.count) * looks) / apart;
    const times = (kind === 'denoiser' ? run.steps : 1) * apart * pieces.count;
    const before = added.filter((each) => each.before === component.name);
    const fed = before.flatMap(({ feeds = [] }) => feeds);
    const shapes = (batch: number): InputShapes => nominalShapes(described, { ...sizes, ...pieces.sizes, batch }, fed);
    return [
      ...(kind === 'denoiser' ? pictureCalls(components['vae'], run) : []),
      ...before.flatMap((each) => addedBy(each, { samples, times })),
      { component, kind, entry, samples, times, facts: new CallFacts(component, entry, shapes, outputs) },
    ];
  });
  const once = added.filter(({ before }) => before === undefined);
  return [...once.flatMap((each) => addedBy(each, { samples: 1, times: 1 })), ...own];
}

/** Those of one size are encoded one after the other. What a run begins with has its size. */
function pictureCalls(vae: ComponentHandle | undefined, run: RunShape): readonly ModelCall[] {
  const described = vae?.model.entries['encode'];
  if (vae === undefined || described === undefined) return [];
  const bySize = new Map<string, { readonly width: number; readonly height: number; times: number }>();
  for (const picture of run.pictures ?? []) {
    const { width, height } = picture.isReference ? picture : run;
    const alike = bySize.get(`${width}x${height}`) ?? { width, height, times: 0 };
    alike.times++;
    bySize.set(`${width}x${height}`, alike);
  }
  return Array.from(bySize.values(), ({ width, height, times }) => {
    const facts = new CallFacts(vae, 'encode', (batch) => nominalShapes(described, { width, height, batch }));
    return { component: vae, kind: 'picture', entry: 'encode', samples: 1, times, facts };
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
  if (!names.has('textTokens')) return {};
  const seen = (run.pictures ?? []).filter(({ isReference }) => isReference);
  const own = Math.ceil(height / PATCH) * Math.ceil(width / PATCH);
  // A picture has as many tokens for its pixels as the one that is made.
  const tokensPerPixel = own / (run.height * run.width);
  return { tokens: seen.reduce((sum, each) => sum + Math.round(each.width * each.height * tokensPerPixel), own) };
}
