import { checkMembers } from '../fields/checkMembers.js';

/** Refuses what is no view of a stored tensor. @throws ERR_ARGUMENT_INVALID */
export function checkView(view: unknown): void {
  checkMembers('view', view, 'a view of a tensor: { name, dtype, shape, file, offset, byteLength }', [
    'dtype',
    'shape',
    'file',
  ]);
}
