import { checkField } from './Field.js';
import { checkMembers } from './checkMembers.js';

/** Refuses what is no table of fields. @throws ERR_ARGUMENT_INVALID */
export function checkFields(fields: unknown): void {
  checkMembers('fields', fields, 'fields by their names', []);
  for (const field of Object.values(fields as object)) checkField(field);
}
