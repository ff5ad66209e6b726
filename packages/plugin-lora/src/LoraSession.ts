import { chooseComponents, type ComponentHandle, type PluginContext } from '@thimble/core/plugin';
import type { LayerChange } from './layers/LayerChange.js';
import { type ComponentMatch, matchFile, type WrongShape } from './layers/matchFile.js';
import { LoraError } from './LoraError.js';
import type { LoraReport } from './LoraReport.js';
import type { OpenedLora } from './OpenedLora.js';

/** Components that LoRAs change unless others are asked for. */
const CHANGED = /^(?:unet|transformer|text_encoder)(?:_\d+)?$/;

/** Names that a message has. */
const MOST_NAMED = 3;

const NOTHING: ComponentMatch = { changes: new Map(), applied: new Set(), wrongShape: [] };

/** LoRAs in one pipeline: what they do to each of its components, found once for each. */
export class LoraSession {
  readonly #pipeline: PluginContext['pipeline'];
  readonly #loras: readonly OpenedLora[];
  readonly #matches = new WeakMap<ComponentHandle, readonly ComponentMatch[]>();
  #checked: readonly ComponentHandle[] = [];

  constructor(pipeline: PluginContext['pipeline'], loras: readonly OpenedLora[]) {
    this.#pipeline = pipeline;
    this.#loras = loras;
  }

  /** The components that LoRAs may change; none while the checkpoint is not open. */
  get components(): readonly ComponentHandle[] {
    const named = this.#loras.flatMap(({ components = [] }) => components);
    const all = chooseComponents(this.#pipeline, undefined, CHANGED);
    const asked = this.#pipeline.ownComponents === undefined ? [] : chooseComponents(this.#pipeline, named, CHANGED);
    return [...new Set([...all, ...asked])];
  }

  /** What is done to a component, by state-dict key. */
  changesOf(component: ComponentHandle): ReadonlyMap<string, readonly LayerChange[]> {
    const changes = new Map<string, LayerChange[]>();
    for (const match of this.#matchesOf(component))
      for (const [key, change] of match.changes) changes.set(key, [...(changes.get(key) ?? []), change]);
    return changes;
  }

  /** What became of each file. */
  reports(): readonly LoraReport[] {
    const { components } = this;
    return this.#loras.map(({ name, file }, at) => {
      const found = components.map((component) => [component.name, this.#matchesOf(component)[at]?.applied] as const);
      const applied = found.flatMap(([of, layers]) => (layers?.size ? [[of, [...layers]] as const] : []));
      const used = new Set(applied.flatMap(([, layers]) => layers));
      const unused = file.layers.filter((layer) => !used.has(layer.name)).map((layer) => layer.name);
      const { path, family, others } = file;
      return { name, file: path, family, applied: Object.fromEntries(applied), unused: [...unused, ...others] };
    });
  }

  /**
   * Sees to it that every LoRA changes something, whenever the components are others, and warns of what is left over.
   *
   * @throws ERR_LORA_SHAPE, ERR_LORA_NOT_APPLIED, ERR_LORA_TRACED
   */
  check(): void {
    const { components } = this;
    if (this.#pipeline.ownComponents === undefined || isSame(components, this.#checked)) return;
    for (const [at, { file }] of this.#loras.entries()) this.#checkFile(at, file, components);
    const traced = components.find((component) => component.isFrozen && this.changesOf(component).size > 0);
    if (traced !== undefined) throw new LoraError('ERR_LORA_TRACED', { component: traced.name });
    this.#checked = components;
    for (const report of this.reports()) this.#warn(report);
  }

  #checkFile(
    at: number,
    { path: file, family, layers }: OpenedLora['file'],
    components: readonly ComponentHandle[],
  ): void {
    const matches = components.map((component) => [component, this.#matchesOf(component)[at] ?? NOTHING] as const);
    const wrong = matches.find(([, { wrongShape }]) => wrongShape.length > 0);
    if (wrong !== undefined) {
      const [{ model }, { wrongShape }] = wrong;
      throw new LoraError('ERR_LORA_SHAPE', {
        file,
        family,
        model: model.className,
        layers: wrongShape.slice(0, MOST_NAMED).map(described),
      });
    }
    if (matches.some(([, { applied }]) => applied.size > 0)) return;
    const examples = layers.slice(0, MOST_NAMED).map(({ name }) => name);
    const model = components.map((component) => component.model.className).join(', ');
    throw new LoraError('ERR_LORA_NOT_APPLIED', { file, family, model, examples });
  }

  #warn({ name, file, unused, applied }: LoraReport): void {
    if (unused.length === 0) return;
    const used = Object.values(applied).reduce((sum, layers) => sum + layers.length, 0);
    const named = unused.slice(0, MOST_NAMED).join(', ');
    const more = unused.length > MOST_NAMED ? ', …' : '';
    this.#pipeline.warn(
      'WARN_LORA_UNUSED',
      `"${name}": ${unused.length} of what "${file}" has belongs to no component here and is not used (${named}${more}); ${used} layers are changed.`,
    );
  }

  #matchesOf(component: ComponentHandle): readonly ComponentMatch[] {
    const known = this.#matches.get(component);
    if (known !== undefined) return known;
    const matches = this.#loras.map(({ name, file, components }) =>
      components?.includes(component.name) === false ? NOTHING : matchFile(name, file, component),
    );
    this.#matches.set(component, matches);
    return matches;
  }
}

function isSame(components: readonly ComponentHandle[], others: readonly ComponentHandle[]): boolean {
  return components.length === others.length && components.every((component, at) => component === others[at]);
}

function described({ layer, expected, found }: WrongShape): string {
  return `${layer} is ${expected}, and ${found} in the file`;
}
