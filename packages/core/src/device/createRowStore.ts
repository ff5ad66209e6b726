import type { RowsOptions } from './DeviceRows.js';
import { FileRows } from './FileRows.js';
import { MemoryRows } from './MemoryRows.js';
import type { RowStore } from './RowStore.js';

/** Makes room for a tensor's rows. @throws ERR_FILE_ACCESS, ERR_FILE_NOT_FOUND, ERR_DISK_FULL */
export function createRowStore(options: RowsOptions): RowStore {
  const { folder } = options;
  return folder === undefined ? new MemoryRows(options) : new FileRows({ ...options, folder });
}
