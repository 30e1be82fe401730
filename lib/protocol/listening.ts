/** An address on which a worker's server wants to listen, as `net.Server.listen` has resolved it. */
export interface ListenRequest {
  /** Identifies the address within a worker; the same address has the same key in every worker. */
  readonly key: string;
  /** Host, or path of a Unix socket; null for all interfaces. */
  readonly host: string | null;
  /** 0 for any free port; -1 for a Unix socket. */
  readonly port: number;
  /** 4, 6, or -1 for a Unix socket. */
  readonly family: 4 | 6 | -1;
  /** libuv's flags for uv_tcp_bind. */
  readonly flags: number;
  /** Access to a Unix socket for users other than its owner: libuv's flags for uv_pipe_chmod. */
  readonly mode?: number;
  /** How many connections may wait in the kernel. */
  readonly backlog: number;
  /** Data that servers of one address share, such as TLS session ticket keys; all servers use that of the first one. */
  readonly shared: unknown;
}

/** Which servers listen on sockets of the primary; node:cluster handles the others. */
export type OwnSockets = 'all' | 'paths' | 'abstract';

/** The result of a server's `address()`; empty for a Unix socket. */
export interface SocketName {
  readonly address?: string;
  readonly family?: string;
  readonly port?: number;
}

/** The primary's answer: either libuv's error number, or the bound address. */
export type ListenAnswer = { readonly errno: number } | { readonly name: SocketName; readonly shared: unknown };
