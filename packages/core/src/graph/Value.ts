import { refuseOption } from '../fields/refuseOption.js';
import type { ElementType } from './Graph.js';

/** Where values live: a {@link GraphBuilder} (inside a segment) or an {@link Outline} (between segments). */
export interface Scope {
  readonly kind: 'graph' | 'outline';
}

/**
 * A symbolic tensor: what `forward` of a {@link Module} computes with. Its `dims` are the sizes of the call the graph is built
 * for; they steer decisions such as chunk counts.
 */
export class Value {
  readonly scope: Scope;
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];

  constructor(scope: Scope, name: string, type: ElementType, dims: readonly number[]) {
    this.scope = scope;
    this.name = name;
    this.type = type;
    this.dims = dims;
  }

  /** Size of an axis; negative axes count from the end. @throws ERR_ARGUMENT_INVALID for an axis the value does not have */
  dim(axis: number): number {
    const size = this.dims.at(axis);
    if (size === undefined) refuseOption('axis', axis, `one of the ${this.dims.length} axes of ${this.name}`);
    return size;
  }
}
