import { checkOptionNames } from '../fields/checkOptionNames.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { Allocator, DeviceOptions } from './DeviceOptions.js';
import { checkPermissions } from './devicePermissions.js';
import { EXECUTION_PROVIDERS } from './ExecutionProvider.js';

const NAMES = ['provider', 'threads', 'allocator', 'memoryLimit', 'permissions', 'inline'];
const ALLOCATORS: readonly Allocator[] = ['keep', 'keep-small', 'trim', 'return'];

/** More threads than any machine has processors. */
const MOST_THREADS = 1024;

/** Checks what a device of ONNX Runtime is made with. @throws ERR_ARGUMENT_INVALID naming the option */
export function checkDeviceOptions(options: DeviceOptions & { readonly inline?: boolean | undefined }): void {
  checkOptionNames(options, NAMES, 'deviceOptions');
  const { provider, threads, allocator, permissions, inline } = options;
  if (!EXECUTION_PROVIDERS.includes(provider))
    refuseOption('device', provider, `one of ${EXECUTION_PROVIDERS.join(', ')}`);
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS))
    refuseOption('threads', threads, `an integer from 1 to ${MOST_THREADS}`);
  if (allocator !== undefined && !ALLOCATORS.includes(allocator))
    refuseOption('allocator', allocator, `one of ${ALLOCATORS.join(', ')}`);
  if (permissions !== undefined) {
    checkPermissions(permissions);
    if (inline === true)
      refuseOption('permissions', permissions, 'nothing with inline, where there is no process to bind');
  }
  if (inline !== undefined && typeof inline !== 'boolean') refuseOption('inline', inline, 'true or false');
}
