import { checkMembers } from '../../fields/checkMembers.js';
import { Tensor } from 'onnxruntime-common';
import { COMPOSITE_DOMAIN, type Graph, type GraphNode } from '../Graph.js';
import type { GroupStatistics } from './GroupStatistics.js';

/** A group normalisation in a graph: core's composite. */
export interface GroupNormSite {
  readonly node: GraphNode;
  /** What is normalised, [n, c, h, w]. */
  readonly input: string;
  readonly output: string;
  /** Weights [c, 1, 1]. */
  readonly gain: string;
  readonly bias: string;
  readonly groups: number;
  readonly channels: number;
  readonly epsilon: number;
}

/** Every group normalisation of a graph. */
export function groupNormsOf(graph: Graph): readonly GroupNormSite[] {
  return graph.nodes
    .filter(({ domain, op }) => domain === COMPOSITE_DOMAIN && op === 'GroupNormalization')
    .map((node) => {
      const [input, gain, bias] = node.inputs as [string, string, string];
      const { num_groups: groups, epsilon } = node.attributes as {
        num_groups: { int: number };
        epsilon: { float: number };
      };
      return {
        node,
        input,
        output: node.outputs[0] as string,
        gain,
        bias,
        groups: groups.int,
        channels: graph.shapeOf(input)[1] as number,
        epsilon: epsilon.float,
      };
    });
}

/** What a part of a graph that was cut out takes for a normalisation in place of taking statistics itself: input → [1, c, 1, 1]. */
export function statisticsInputs(
  site: GroupNormSite,
  statistics: GroupStatistics,
): readonly (readonly [string, Tensor])[] {
  checkMembers('site', site, 'a GroupNormSite', ['output', 'channels', 'epsilon']);
  checkMembers('statistics', statistics, 'GroupStatistics', ['means', 'deviations']);
  const { output, channels, epsilon } = site;
  return (
    [
      ['mean', statistics.means(channels)],
      ['deviation', statistics.deviations(channels, epsilon)],
    ] as const
  ).map(([name, data]) => [`${output}/${name}`, new Tensor('float32', data, [1, channels, 1, 1])] as const);
}
