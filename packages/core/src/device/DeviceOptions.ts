import type { ExecutionProvider } from './ExecutionProvider.js';

/** Options of a device. */
export interface DeviceOptions {
  readonly provider: ExecutionProvider;
  /** Threads of one operator; the runtime's choice (the physical cores) by default. */
  readonly threads?: number;
  /**
   * What the allocator does with freed memory: 'keep' it for the next operator (faster, more memory), or 'return' it to the
   * system at once (slower, tight limits). Effective in a process of its own with glibc. Default: as the memory limit asks, 'keep' from 1 GB on.
   */
  readonly allocator?: 'keep' | 'return';
}
