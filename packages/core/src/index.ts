export { errorRegistry, ThimbleError, isThimbleError } from './errors.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
