/** Runs something, programs that it starts included, with a cache of weights in `folder`. */
export async function withCache<T>(folder: string, body: () => Promise<T>): Promise<T> {
  const before = process.env['THIMBLE_CACHE'];
  process.env['THIMBLE_CACHE'] = folder;
  try {
    return await body();
  } finally {
    if (before === undefined) delete process.env['THIMBLE_CACHE'];
    else process.env['THIMBLE_CACHE'] = before;
  }
}
