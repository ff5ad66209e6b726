import { checkMembers } from '../fields/checkMembers.js';

/** Refuses what is no graph. @throws ERR_ARGUMENT_INVALID */
export function checkGraph(graph: unknown): void {
  checkMembers('graph', graph, 'a graph', ['nodes', 'inputs', 'outputs', 'weights', 'constants', 'shapes']);
}
