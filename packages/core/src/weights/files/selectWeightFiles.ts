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

/** Which library wrote a component, and so which names and which order its weights have. */
export type WeightLibrary = 'diffusers' | 'transformers';

/** What {@link selectWeightFiles} chooses by. */
export interface WeightFileChoice {
  /** Such as 'fp16'. */
  readonly variant?: string | undefined;
  /** The library that `model_index.json` or the component's config names; another one counts as not known. */
  readonly library?: string | undefined;
}

/** What each library calls a model's weights, and what marks a file as its, whatever the format. */
const LIBRARIES: Readonly<Record<WeightLibrary, { readonly base: string; readonly mark: RegExp }>> = {
  diffusers: { base: 'diffusion_pytorch_model', mark: /^diffusion_pytorch_model[.-].*(?:safetensors|bin)\b/ },
  transformers: { base: 'model', mark: /^(?:pytorch_)?model[.-].*(?:safetensors|bin)\b/ },
};
const UNSUPPORTED = /\.(?:bin|ckpt|pt|pth|msgpack|h5|onnx|gguf)$/;
/** A variant is a word like `fp16`; without dots, or `safetensors` and `index` could be taken for one. */
const VARIANT = String.raw`(?!safetensors\b|index\b)[\w]+(?:-[a-zA-Z_]\w*)*`;

/**
 * Chooses a component's weights among the names of a folder, as the library that wrote it does: diffusers takes an index of shards before a single file, transformers the
 * single file before an index, and neither takes the other's files where it has its own. Of these the asked variant, else the plain files; and without an asked variant the
 * plain files, else the only variant there is.
 *
 * Source: diffusers models/modeling_utils.py, `from_pretrained`; transformers modeling_utils.py, `_get_resolved_checkpoint_files`.
 *
 * @param names the names of the files in the component's folder
 */
export function selectWeightFiles(names: Iterable<string>, choice: WeightFileChoice = {}): WeightFileSelection {
  const present = new Set(names);
  const { variant } = choice;
  const library = libraryOf(present, choice.library);
  const variants = variantsOf(present, LIBRARIES[library].base);
  const wanted: readonly (string | undefined)[] = variant === undefined ? [undefined] : [variant, undefined];
  const only = variant === undefined && variants.length === 1 ? variants : [];
  const candidates = (each: string | undefined): readonly WeightFiles[] => weightFilesOf(library, each);
  return {
    weights: [...wanted, ...only].flatMap(candidates).find(({ name }) => present.has(name)),
    lookedFor: wanted.flatMap((each) => {
      const [single] = candidates(each).filter(({ kind }) => kind === 'single');
      const [index] = candidates(each).filter(({ kind }) => kind === 'sharded');
      return [single!.name, index!.name];
    }),
    variants,
    unsupported: [...present].filter((name) => UNSUPPORTED.test(name)).toSorted(),
  };
}

/** Whether `name` is a safetensors file, or the index of several. */
export function isWeightFileName(name: string): boolean {
  return name.endsWith('.safetensors') || /\.safetensors\.(?:.*\.)?json$/.test(name);
}

/** The one that is named, if it has files here; else the one that has. */
function libraryOf(present: ReadonlySet<string>, named: string | undefined): WeightLibrary {
  const has = (library: WeightLibrary): boolean => [...present].some((name) => LIBRARIES[library].mark.test(name));
  if (named === 'transformers' && (has('transformers') || !has('diffusers'))) return 'transformers';
  return has('diffusers') || !has('transformers') ? 'diffusers' : 'transformers';
}

/** All names that weights can have, in the order in which the library looks for them. */
function weightFilesOf(library: WeightLibrary, variant: string | undefined): readonly WeightFiles[] {
  const { base } = LIBRARIES[library];
  const single = {
    kind: 'single',
    name: variant === undefined ? `${base}.safetensors` : `${base}.${variant}.safetensors`,
    variant,
  } as const;
  const indexes = indexNames(base, variant).map((name) => ({ kind: 'sharded', name, variant }) as const);
  return library === 'diffusers' ? [...indexes, single] : [single, ...indexes];
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

function variantsOf(present: ReadonlySet<string>, base: string): readonly string[] {
  const patterns = [
    new RegExp(`^${base}\\.(${VARIANT})\\.safetensors(?:\\.index\\.json)?$`),
    new RegExp(`^${base}\\.safetensors\\.(${VARIANT})\\.index\\.json$`),
    new RegExp(`^${base}\\.safetensors\\.index\\.(${VARIANT})\\.json$`),
  ];
  const found = [...present].flatMap((name) => patterns.map((pattern) => pattern.exec(name)?.[1]));
  return [...new Set(found.filter((variant) => variant !== undefined))].toSorted();
}
