import type { ConfigReader } from '../../fields/ConfigReader.js';

const BASE = 10000;

/**
 * The base of a text model's rotary positions: transformers' `rope_theta`, which new configs have in `rope_parameters`.
 *
 * @throws ERR_CONFIG_UNSUPPORTED for positions that are scaled
 */
export function readRotaryBase(reader: ConfigReader, config: Readonly<Record<string, unknown>>): number {
  const { rope_parameters: parameters, rope_scaling: scaling } = config;
  const scaled = (parameters ?? scaling ?? {}) as Readonly<Record<string, unknown>>;
  const kind = scaled['rope_type'] ?? scaled['type'] ?? 'default';
  if (kind !== 'default') reader.unsupported('rope_scaling', kind, '"default"');
  const own = scaled['rope_theta'];
  return typeof own === 'number' ? own : reader.number('rope_theta', BASE);
}
