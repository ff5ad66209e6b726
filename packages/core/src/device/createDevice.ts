import { checkDeviceOptions } from './checkDeviceOptions.js';
import type { Device } from './Device.js';
import type { DeviceOptions } from './DeviceOptions.js';
import { InlineDevice } from './InlineDevice.js';
import { ProcessDevice } from './ProcessDevice.js';

/** Makes a device: in a child process, or in this one with `inline`. @throws ERR_ARGUMENT_INVALID for an unknown provider or option */
export function createDevice(options: DeviceOptions & { readonly inline?: boolean | undefined }): Device {
  checkDeviceOptions(options);
  const { inline = false, ...rest } = options;
  return inline ? new InlineDevice(rest) : new ProcessDevice(rest);
}
