import { ThimbleError } from '../errors.js';

/** Refuses a config that is no object. @throws ERR_CONFIG_INVALID naming the component */
export function checkConfig(component: string, config: unknown): void {
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return;
  throw new ThimbleError('ERR_CONFIG_INVALID', {
    component,
    field: '(the whole config)',
    value: config,
    expected: 'an object',
  });
}
