/** Writes a line `@kind {…}` by which a test sees what happened in this process. */
export function report(kind: string, fields: object = {}): void {
  process.stdout.write(`@${kind} ${JSON.stringify({ pid: process.pid, ...fields })}\n`);
}
