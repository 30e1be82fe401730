/** What an error of a connection says. Some of the system have a code and no text, such as those of several addresses. */
export function connectionReason(error: unknown): string {
  const { message, code, name } = error as {
    readonly message?: string;
    readonly code?: unknown;
    readonly name?: string;
  };
  return message || String(code ?? name ?? error);
}
