/** Shapes of an adapter's tensors, by name. */
export type AdapterShapes = Record<string, readonly number[]>;

export function testAdapterShapes(): AdapterShapes;

export function writeTestAdapter(folder: string, shapes?: AdapterShapes, name?: string): Promise<string>;
