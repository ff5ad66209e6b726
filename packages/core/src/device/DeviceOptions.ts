import type { DevicePermissions } from './devicePermissions.js';
import type { ExecutionProvider } from './ExecutionProvider.js';

/** What is done with freed memory. */
export type Allocator = 'keep' | 'keep-small' | 'trim' | 'return';

/** Options of a device. */
export interface DeviceOptions {
  readonly provider: ExecutionProvider;
  /** Threads of one operator; the runtime's choice (the physical cores) by default. */
  readonly threads?: number | undefined;
  /**
   * What the allocator does with freed memory: 'keep' it for the next operator, all but blocks above 64 MB, or above 8 MB
   * ('keep-small'), give back all but 16 MB ('trim'), or 'return' it to the system
   * at once. With SD 1.5's UNet at 512×512, offloaded sequentially: 4.6 s a pass and 490 MB; 5.1 s and 300 MB; 6.6 s and 145 MB. Effective in a
   * process of its own with glibc. Default: as the memory limit asks; 'keep-small' from 1 GB on, 'keep' from 8 GB on.
   */
  readonly allocator?: Allocator | undefined;
  /** What both processes together may take, in bytes: what is said where the device's own was killed. The pipeline's by default. */
  readonly memoryLimit?: number | undefined;
  /**
   * Starts the device's process under Node's permission model: its JavaScript may read files, write into folders for temporary files and those named here, and start neither processes nor threads.
   * ONNX Runtime, which is native, is not bound by it. Default: as the program that starts it.
   */
  readonly permissions?: DevicePermissions | undefined;
}
