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
