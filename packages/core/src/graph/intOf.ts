import type { GraphNode } from './Graph.js';

/** A node's integer; 0 if it has none of that name. */
export function intOf({ attributes }: GraphNode, name: string): number {
  const attribute = attributes[name];
  return attribute !== undefined && 'int' in attribute ? attribute.int : 0;
}
