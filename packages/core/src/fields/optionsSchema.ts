import { checkFields } from './checkFields.js';
import type { Field, Fields, JsonSchema } from './Field.js';

/**
 * The JSON schema of the options that `fields` are: an object with a property for each field that JSON can hold, and no others. Objects of code, such as
 * tensors and signals, have none.
 */
export function optionsSchema(fields: Fields): JsonSchema {
  checkFields(fields);
  const properties = Object.entries(fields).flatMap(([name, field]) =>
    field.schema === undefined ? [] : [[name, propertyOf(field, field.schema)] as const],
  );
  const required = Object.keys(fields).filter((name) => fields[name]?.required === true);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

function propertyOf(field: Field, schema: JsonSchema): JsonSchema {
  const { description, default: value } = field;
  return {
    ...schema,
    ...(description === undefined ? {} : { description }),
    ...(value === undefined || field.required === true ? {} : { default: value }),
  };
}
