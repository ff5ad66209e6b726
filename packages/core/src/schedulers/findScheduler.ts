import { refuseOption } from '../fields/refuseOption.js';
import { schedulerName } from './schedulerName.js';

/** A scheduler as people call it: a class, and what the name asks of its config. */
export interface NamedScheduler {
  readonly className: string;
  /** Fields of diffusers' config: `use_karras_sigmas` of "DPM++ 2M Karras". */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * The scheduler that a name means: a class of `known`, with or without the last words; its short name ({@link schedulerName}); or what other programs call it, in any
 * spelling: `euler_a`, `dpm++_2m_karras`, "DPM++ 2M SDE Karras", `dpmpp_2m`, `k_lms`, `uni_pc`. Undefined if it means none.
 *
 * `dpm++_sde`, whose solver goes in single steps, stands for the multistep one of the same equation, `dpm++_2m_sde`.
 *
 * @param known names of classes
 * @throws ERR_ARGUMENT_INVALID for a list that is none
 */
export function findScheduler(name: string, known: readonly string[]): NamedScheduler | undefined {
  if (!Array.isArray(known) || !known.every((each) => typeof each === 'string'))
    refuseOption('known', known, 'a list of names of classes');
  if (known.includes(name)) return { className: name, config: {} };
  if (typeof name !== 'string') return undefined;
  const plain = wordsOf(name).join('');
  const own = known.find((className) => shortNames(className).includes(plain));
  return own === undefined ? byWords(wordsOf(name), known) : { className: own, config: {} };
}

/** Names to choose from, for whoever did not find one: the short ones, and what they are called elsewhere. */
export function schedulerNames(known: readonly string[]): string[] {
  const aliases = SPELLED.filter((name) => findScheduler(name, known) !== undefined);
  return [...new Set([...known.map(schedulerName), ...aliases])];
}

function byWords(words: readonly string[], known: readonly string[]): NamedScheduler | undefined {
  const [first, ...rest] = words;
  if (rest.length > 0 && (first === 'k' || first === 'sample')) return byWords(rest, known);
  const key = words.join('');
  const sampler = Object.hasOwn(SAMPLERS, key) ? SAMPLERS[key] : undefined;
  if (sampler !== undefined) return known.includes(sampler.className) ? sampler : undefined;
  const own = known.find((className) => shortNames(className).includes(key));
  if (own !== undefined) return { className: own, config: {} };
  const last = words.at(-1) ?? '';
  if (words.length < 2 || !Object.hasOwn(SPACINGS, last)) return undefined;
  const found = byWords(words.slice(0, -1), known);
  return found && { ...found, config: { ...found.config, ...SPACINGS[last] } };
}

function shortNames(className: string): readonly string[] {
  return [className, className.replace(/Scheduler$/, ''), schedulerName(className)].map((name) =>
    wordsOf(name).join(''),
  );
}

function wordsOf(name: string): string[] {
  return name
    .toLowerCase()
    .replaceAll('++', 'pp')
    .replace(/scheduler$/, '')
    .replace(/sgm[^a-z0-9]uniform$/, 'sgmuniform')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

function dpm(algorithm: string, order: number, more: Readonly<Record<string, unknown>> = {}): NamedScheduler {
  const config = { algorithm_type: algorithm, solver_order: order, ...more };
  return { className: 'DPMSolverMultistepScheduler', config };
}

function plain(className: string, config: Readonly<Record<string, unknown>> = {}): NamedScheduler {
  return { className, config };
}

/** Names of AUTOMATIC1111, ComfyUI, InvokeAI and k-diffusion, without signs between the words. Source: the table of schedulers in diffusers' documentation. */
const SAMPLERS: Readonly<Record<string, NamedScheduler>> = {
  eulera: plain('EulerAncestralDiscreteScheduler'),
  eulerancestral: plain('EulerAncestralDiscreteScheduler'),
  dpm2: plain('KDPM2DiscreteScheduler'),
  dpm2a: plain('KDPM2AncestralDiscreteScheduler'),
  dpm2ancestral: plain('KDPM2AncestralDiscreteScheduler'),
  kdpm2a: plain('KDPM2AncestralDiscreteScheduler'),
  dpmpp: plain('DPMSolverMultistepScheduler'),
  dpmsolver: plain('DPMSolverMultistepScheduler'),
  dpmsolverpp: plain('DPMSolverMultistepScheduler'),
  dpmpp2m: dpm('dpmsolver++', 2),
  dpmpp3m: dpm('dpmsolver++', 3),
  dpmpp2msde: dpm('sde-dpmsolver++', 2),
  dpmpp2msdeheun: dpm('sde-dpmsolver++', 2, { solver_type: 'heun' }),
  dpmpp3msde: dpm('sde-dpmsolver++', 3),
  dpmppsde: dpm('sde-dpmsolver++', 2),
  plms: plain('PNDMScheduler'),
  unipcbh1: plain('UniPCMultistepScheduler', { solver_type: 'bh1' }),
  unipcbh2: plain('UniPCMultistepScheduler', { solver_type: 'bh2' }),
  flowmatch: plain('FlowMatchEulerDiscreteScheduler'),
  flowmatcheuler: plain('FlowMatchEulerDiscreteScheduler'),
};

/** What a name may end with: how timesteps or noise levels are spaced. */
const SPACINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  karras: { use_karras_sigmas: true },
  k: { use_karras_sigmas: true },
  exponential: { use_exponential_sigmas: true },
  beta: { use_beta_sigmas: true },
  sgmuniform: { timestep_spacing: 'trailing' },
  gpu: {},
};

/** The names of {@link SAMPLERS} that are suggested. */
const SPELLED = [
  'euler_a',
  'dpm2',
  'dpm2_a',
  'dpm++_2m',
  'dpm++_2m_karras',
  'dpm++_2m_sde',
  'dpm++_2m_sde_karras',
  'dpm++_3m_sde',
  'dpm++_sde',
  'plms',
];
