/** Bytes of one row of a large payload, as JSON, about. */
const ROW_SIZE = 100;

/**
 * An object of about `size` bytes as JSON. Every one is different, down to its strings: an encoder that
 * notices repetitions inside a batch would gain from benchmarks only.
 */
export function payload(size, sequence) {
  if (size <= 2 * ROW_SIZE) return row(sequence, size);
  const rows = Array.from({ length: Math.round(size / ROW_SIZE) }, (_, i) => row(sequence * 10_007 + i, ROW_SIZE));
  return { sequence, rows };
}

function row(sequence, size) {
  const fields = { id: sequence, user: `user-${sequence % 9973}`, amount: sequence / 8, text: '' };
  const rest = size - JSON.stringify(fields).length;
  fields.text = `${sequence.toString(36)} ${'lorem ipsum dolor sit amet '.repeat(Math.ceil(Math.max(rest, 1) / 27))}`;
  fields.text = fields.text.slice(0, Math.max(rest, 1));
  return fields;
}
