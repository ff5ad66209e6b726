/** Which file of a folder leads to its weights: the one safetensors file, or the index that names its shards. */
export interface WeightFiles {
  readonly kind: 'single' | 'sharded';
  /** The safetensors file or the index, by name. */
  readonly name: string;
  /** The variant chosen; `undefined` for the plain files. */
  readonly variant: string | undefined;
}

/** What {@link selectWeightFiles} found, and what it looked for. */
export interface WeightFileSelection {
  /** The weights to use; `undefined` where there are none to choose. */
  readonly weights: WeightFiles | undefined;
  /** Names that were looked for, best first. */
  readonly lookedFor: readonly string[];
  /** Variants that the folder has. */
  readonly variants: readonly string[];
  /** Weight files in formats that are not supported. */
  readonly unsupported: readonly string[];
}

/** Diffusers' name for a model's weights, then transformers'. */
const BASE_NAMES = ['diffusion_pytorch_model', 'model'] as const;
const BASES = BASE_NAMES.join('|');
const UNSUPPORTED = /\.(?:bin|ckpt|pt|pth|msgpack|h5|onnx|gguf)$/;
/** A variant is a word like `fp16`; without dots, or `safetensors` and `index` could be taken for one. */
const VARIANT = String.raw`(?!safetensors\b|index\b)[\w]+(?:-[a-zA-Z_]\w*)*`;
const VARIANT_NAMES = [
  new RegExp(`^(?:${BASES})\\.(${VARIANT})\\.safetensors(?:\\.index\\.json)?$`),
  new RegExp(`^(?:${BASES})\\.safetensors\\.(${VARIANT})\\.index\\.json$`),
  new RegExp(`^(?:${BASES})\\.safetensors\\.index\\.(${VARIANT})\\.json$`),
];

/**
 * Chooses a component's weights among the names of a folder, by diffusers' rules: the asked variant; else the plain files; and
 * without an asked variant the plain files, else the only variant there is.
 *
 * @param names the names of the files in the component's folder
 */
export function selectWeightFiles(names: Iterable<string>, variant?: string): WeightFileSelection {
  const present = new Set(names);
  const variants = [...new Set([...present].flatMap((name) => variantOf(name) ?? []))].toSorted();
  const wanted: readonly (string | undefined)[] = variant === undefined ? [undefined] : [variant, undefined];
  const only = variant === undefined && variants.length === 1 ? variants : [];
  const weights = [...wanted, ...only].flatMap((candidate) => findWeights(present, candidate) ?? [])[0];
  return {
    weights,
    lookedFor: wanted.flatMap((candidate) =>
      BASE_NAMES.flatMap((base) => [singleName(base, candidate), indexNames(base, candidate)[0]!]),
    ),
    variants,
    unsupported: [...present].filter((name) => UNSUPPORTED.test(name)).toSorted(),
  };
}

/** Whether `name` is a safetensors file, or the index of several. */
export function isWeightFileName(name: string): boolean {
  return name.endsWith('.safetensors') || /\.safetensors\.(?:.*\.)?json$/.test(name);
}

function findWeights(present: ReadonlySet<string>, variant: string | undefined): WeightFiles | undefined {
  for (const base of BASE_NAMES) {
    const file = singleName(base, variant);
    if (present.has(file)) return { kind: 'single', name: file, variant };
    const index = indexNames(base, variant).find((name) => present.has(name));
    if (index !== undefined) return { kind: 'sharded', name: index, variant };
  }
  return undefined;
}

function singleName(base: string, variant: string | undefined): string {
  return variant === undefined ? `${base}.safetensors` : `${base}.${variant}.safetensors`;
}

/** The hub has three spellings, from different versions of diffusers and transformers. */
function indexNames(base: string, variant: string | undefined): readonly string[] {
  if (variant === undefined) return [`${base}.safetensors.index.json`];
  return [
    `${base}.safetensors.index.${variant}.json`,
    `${base}.safetensors.${variant}.index.json`,
    `${base}.${variant}.safetensors.index.json`,
  ];
}

function variantOf(name: string): string | undefined {
  for (const pattern of VARIANT_NAMES) {
    const variant = pattern.exec(name)?.[1];
    if (variant !== undefined) return variant;
  }
  return undefined;
}
