/** The error that `call` rejects with; attached at once, so that the test may await it when it likes. */
export async function failureOf(call: Promise<unknown>): Promise<Error> {
  let value: unknown;
  try {
    value = await call;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`It resolved to ${String(value)} instead of rejecting.`);
}
