import type { Allocator } from './DeviceOptions.js';

const GLIBC: Readonly<Record<Allocator, NodeJS.ProcessEnv>> = {
  keep: {
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '67108864',
    MALLOC_TRIM_THRESHOLD_: '8589934592',
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  },
  'keep-small': {
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '8388608',
    MALLOC_TRIM_THRESHOLD_: '67108864',
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  },
  trim: {
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '2097152',
    MALLOC_TRIM_THRESHOLD_: '16777216',
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  },
  return: {
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '262144',
    MALLOC_TRIM_THRESHOLD_: '262144',
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  },
};

/**
 * The environment in which glibc's allocator keeps freed memory for the next operator, or gives it back. What is given back has to be faulted in again, which
 * huge pages make cheap: with them a pass of SD 1.5's UNet takes 5.4 s in place of 6.9. Blocks of such a page and more are mapped by themselves where memory is trimmed: pieces of 3.9 MB in the heap, with small blocks that
 * threads leave above them, were 150 MB that nobody used. Even where all is kept, blocks of 64 MB and more are mapped: a VAE's values of 134 and 268 MB found no hole in the heap that fitted, so that it grew by another one, and a picture of 512×512 held 1650 to 2300 MB,
 * and holds 1280 to 1610 now; decoding it takes 6 % more. Allocators of other systems have no such settings, and take their own course.
 */
export function allocatorEnvironment(allocator: Allocator, platform = process.platform): NodeJS.ProcessEnv {
  return platform === 'linux' ? GLIBC[allocator] : {};
}
