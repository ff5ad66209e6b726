import { Parameter } from './Parameter.js';

/**
 * A part of a model that mirrors the Python class of the same name. State-dict keys come from property paths, so properties that
 * hold modules or parameters carry their Python names. `forward` runs on symbolic {@link Value}s and emits graph nodes.
 */
export abstract class Module {
  #path = '';

  /** Dotted path from the model's root, such as `down_blocks.0.resnets.0`. */
  get path(): string {
    return this.#path;
  }

  /** Name of the Python class that this mirrors. */
  get pythonClass(): string {
    return this.constructor.name;
  }

  /** Called once by {@link nameParameters}. */
  placeAt(path: string): void {
    this.#path = path;
  }
}

/** Walks a model, gives every module its path and every parameter its key, and lists the parameters in order. */
export function nameParameters(root: Module): readonly Parameter[] {
  const found: Parameter[] = [];
  visit(root, '', found);
  return found;
}

function visit(node: unknown, path: string, found: Parameter[]): void {
  if (node instanceof Parameter) {
    node.nameAs(path);
    found.push(node);
    return;
  }
  if (node instanceof Module) node.placeAt(path);
  else if (!Array.isArray(node)) return;
  for (const [key, child] of Object.entries(node)) visit(child, path === '' ? key : `${path}.${key}`, found);
}

/** A module that holds parameters of its own, with what it hangs on. */
export interface Layer {
  /** Dotted path and Python class of the modules from the root, whose path is '', down to the layer itself. Lists of modules count. */
  readonly lineage: readonly { readonly path: string; readonly pythonClass: string }[];
  /** Its own parameters, by their names in it: `weight`, `bias`. */
  readonly parameters: Readonly<Record<string, Parameter>>;
}

/** Lists the layers of a model, in the order of {@link nameParameters}. */
export function listLayers(root: Module): readonly Layer[] {
  const found: Layer[] = [];
  collect(root, '', [], found);
  return found;
}

function collect(node: unknown, path: string, above: Layer['lineage'], found: Layer[]): void {
  if (!(node instanceof Module || Array.isArray(node))) return;
  const lineage = [...above, { path, pythonClass: node instanceof Module ? node.pythonClass : 'ModuleList' }];
  const children = Object.entries(node);
  const parameters = children.filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter);
  if (parameters.length > 0) found.push({ lineage, parameters: Object.fromEntries(parameters) });
  for (const [key, child] of children) collect(child, path === '' ? key : `${path}.${key}`, lineage, found);
}
