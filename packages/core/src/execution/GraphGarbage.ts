import { getHeapStatistics } from 'node:v8';
import { collectGarbage } from '../device/collectGarbage.js';

/** So many bytes of new objects are worth a collection, which takes 30 ms of a small heap. */
const GROWTH = 8 * 2 ** 20;

/** A larger heap is an application's, whose collection takes longer: it is left to V8. */
const LARGEST = 64 * 2 ** 20;

/** What {@link GraphGarbage} asks and does. */
export interface GraphGarbageParts {
  /** Of objects, and of what they hold beside them: bytes of tensors and messages. */
  readonly measure: () => { readonly heapBytes: number; readonly externalBytes: number };
  readonly collect: () => void;
}

/**
 * Collects what work on graphs leaves behind, where memory is limited: V8 lets a small heap grow by about as much again before it does so. While the graphs of FLUX.2 klein were compiled within 1 GB, a program held 75 MB of anonymous memory at most; 49 now.
 */
export class GraphGarbage {
  readonly #parts: GraphGarbageParts;
  #least: number;

  /** What was left behind until now is collected at once, such as texts' embeddings before they were joined. */
  constructor(parts: GraphGarbageParts = { measure: measureHeap, collect: collectGarbage }) {
    this.#parts = parts;
    this.#least = Infinity;
    this.#settleFrom(0);
  }

  /** Called after each piece of the work. */
  settle(): void {
    this.#settleFrom(GROWTH);
  }

  #settleFrom(growth: number): void {
    const { measure, collect } = this.#parts;
    const { heapBytes, externalBytes } = measure();
    this.#least = Math.min(this.#least, heapBytes + externalBytes);
    if (heapBytes > LARGEST || heapBytes + externalBytes < this.#least + growth) return;
    collect();
    const left = measure();
    this.#least = left.heapBytes + left.externalBytes;
  }
}

function measureHeap(): ReturnType<GraphGarbageParts['measure']> {
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return { heapBytes, externalBytes };
}
