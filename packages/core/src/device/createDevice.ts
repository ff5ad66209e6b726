import { ThimbleError } from '../errors.js';
import type { Device } from './Device.js';
import type { DeviceOptions } from './DeviceOptions.js';
import { EXECUTION_PROVIDERS } from './ExecutionProvider.js';
import { InlineDevice } from './InlineDevice.js';
import { ProcessDevice } from './ProcessDevice.js';

/** Makes a device: in a child process, or in this one with `inline`. Throws ERR_ARGUMENT_INVALID for an unknown provider. */
export function createDevice(options: DeviceOptions & { readonly inline?: boolean }): Device {
  const { inline = false, ...rest } = options;
  if (!EXECUTION_PROVIDERS.includes(rest.provider)) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'device',
      value: rest.provider,
      expected: `one of ${EXECUTION_PROVIDERS.join(', ')}`,
    });
  }
  return inline ? new InlineDevice(rest) : new ProcessDevice(rest);
}
