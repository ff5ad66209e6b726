/** A request, headers and path as they stand. */
export interface FuzzRequest {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export function sampleRequests(count: number, seed: number): readonly FuzzRequest[];

export function isUnsent(error: unknown): boolean;
