/** Replaces a secret in a text. */
const HIDDEN = '***';

/** Shorter secrets are not searched for, because they occur in every text. */
const SHORTEST = 4;

/** Names of options that contain a secret, in any client. */
const SECRET_NAME = /pass|secret|token|credential|creds|seed|nkey|jwt|auth|key$|pfx/i;

/** The part of an address with the credentials. All of it is hidden, even the user's name. */
const IN_ADDRESS = /\b([a-z][a-z\d+.-]*:\/{1,2})[^\s'"<>]*@/gi;
const BEFORE_HOST = /(^|[\s'"([])[^\s'"@/:[(]*:(?!\/)[^\s'"@]*@/g;

/** An address for messages. If the text contains several, those before the last credentials are removed with them. */
export function withoutCredentials(address: unknown): string {
  const shown = String(address).replaceAll(IN_ADDRESS, '$1');
  return shown.startsWith('/') ? shown : shown.slice(shown.lastIndexOf('@') + 1);
}

/** Hides secrets in the texts of a client, a broker or the system. */
export class Secrets {
  private readonly known: readonly string[];

  /**
   * @param options options of a client: values whose name suggests a secret, and credentials in addresses, are hidden
   */
  constructor(options: unknown) {
    const found = new Set<string>();
    collect(options, false, found, new Set());
    // The longest first, because one secret may be part of another.
    this.known = [...found].filter(({ length }) => length >= SHORTEST).sort((a, b) => b.length - a.length);
  }

  hide(text: string): string {
    let hidden = text.replaceAll(IN_ADDRESS, `$1${HIDDEN}@`).replaceAll(BEFORE_HOST, `$1${HIDDEN}@`);
    for (const secret of this.known) hidden = hidden.replaceAll(secret, HIDDEN);
    return hidden;
  }

  /**
   * A copy of the error with its name, message, code and stack, without secrets. Other properties that clients add to
   * their errors are left out, such as a command with its arguments, or an address that could not be read.
   */
  hideIn(error: unknown): Error {
    if (!(error instanceof Error)) return new Error(this.hide(String(error)));
    const clean = new Error(this.hide(error.message));
    const { code } = error as { code?: unknown };
    Object.defineProperty(clean, 'name', { value: this.hide(String(error.name)), configurable: true });
    Object.defineProperty(clean, 'stack', {
      value: this.hide(String(error.stack)),
      configurable: true,
      writable: true,
    });
    if (typeof code === 'string' || typeof code === 'number') Object.assign(clean, { code });
    return clean;
  }
}

function collect(value: unknown, isSecret: boolean, found: Set<string>, seen: Set<unknown>): void {
  if (typeof value === 'string') {
    if (isSecret) found.add(value);
    const [, credentials] = /^(?:[a-z][a-z\d+.-]*:\/{1,2})?(.*)@/is.exec(value) ?? [];
    for (const part of credentials === undefined
      ? []
      : [credentials, credentials.slice(credentials.indexOf(':') + 1)]) {
      found.add(part);
      found.add(decoded(part));
    }
    return;
  }
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  for (const [name, inner] of Object.entries(value)) {
    collect(inner, isSecret || SECRET_NAME.test(name), found, seen);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
