/** The text of a connection error. Some system errors have only a code, such as those for several addresses. */
export function connectionReason(error: unknown): string {
  const { message, code, name } = error as {
    readonly message?: string;
    readonly code?: unknown;
    readonly name?: string;
  };
  return message || String(code ?? name ?? error);
}
