import type { GraphNode } from '@thimble/core/plugin';

/** The nearest-neighbour upsampling that makes a value, if one does; `makers` are the nodes by their outputs. */
export function upsamplingOf(value: string, makers: ReadonlyMap<string, GraphNode>): GraphNode | undefined {
  const node = makers.get(value);
  const mode = node?.attributes['mode'];
  return node?.op === 'Resize' && mode !== undefined && 'string' in mode && mode.string === 'nearest'
    ? node
    : undefined;
}
