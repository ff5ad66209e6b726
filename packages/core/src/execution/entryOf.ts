import { ThimbleError } from '../errors.js';
import type { Model, ModelEntry } from '../models/Model.js';

/** An entry point of the component named `component`. @throws ERR_ENTRY_UNKNOWN that lists those that its model has */
export function entryOf(component: string, model: Model, name: string): ModelEntry {
  const entry = model.entries[name];
  if (entry !== undefined) return entry;
  throw new ThimbleError('ERR_ENTRY_UNKNOWN', { component, asked: name, available: Object.keys(model.entries) });
}
