import { resolve } from 'node:path';
import { ThimbleError } from '../errors.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import { refuseOption } from '../fields/refuseOption.js';
import { temporaryFolders } from './spillFolder.js';
import { OOM_SCORE } from './yieldMemory.js';

/** What the JavaScript of a device's process may do beside reading files and computing. */
export interface DevicePermissions {
  /** Folders that it may write to, beside those for temporary files: those of traces, and `tempDir`. */
  readonly write?: readonly string[] | undefined;
}

/** By the version of Node. */
const MODELS = ['--permission', '--experimental-permission'];

/** Node says of each start that addons are let in, and of some that the model is new. */
const QUIET = ['--disable-warning=SecurityWarning', '--disable-warning=ExperimentalWarning'];

/**
 * Node's flags by which a process reads files, writes into folders for temporary files and those named, and starts neither processes nor threads. They bind what is JavaScript; what is native,
 * such as ONNX Runtime, they do not.
 *
 * @param known the flags that this Node has
 * @throws ERR_DEVICE_UNAVAILABLE where Node has no permission model that lets addons in
 */
export function permissionFlags(
  { write = [] }: DevicePermissions,
  provider: string,
  known: ReadonlySet<string> = process.allowedNodeEnvironmentFlags,
): readonly string[] {
  const model = MODELS.find((flag) => known.has(flag));
  if (model === undefined || !known.has('--allow-addons'))
    throw new ThimbleError('ERR_DEVICE_UNAVAILABLE', {
      provider,
      reason:
        'deviceOptions.permissions asks for the permission model of Node, with native addons, which this program does not have',
    });
  const writable = [...[...temporaryFolders(), ...write].map((folder) => resolve(folder, '*')), OOM_SCORE];
  return [
    model,
    '--allow-addons',
    '--allow-fs-read=*',
    ...writable.map((path) => `--allow-fs-write=${path}`),
    ...QUIET,
  ];
}

/** @throws ERR_ARGUMENT_INVALID naming the option */
export function checkPermissions(permissions: DevicePermissions): void {
  checkOptionNames(permissions, ['write'], 'deviceOptions.permissions');
  const { write = [] } = permissions;
  const isList =
    Array.isArray(write) && write.every((path) => typeof path === 'string' && path !== '' && !path.includes(','));
  if (!isList) refuseOption('permissions.write', write, 'a list of folders, without commas in their names');
}
