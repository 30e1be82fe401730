/** An address that a worker's server is to listen on, as `net.Server.listen` made it out. */
export interface ListenRequest {
  /** Tells the addresses of a worker apart, and names the same one in every worker. */
  readonly key: string;
  /** Host, or path of a Unix socket; null for every interface. */
  readonly host: string | null;
  /** 0 for any free port; -1 for a Unix socket. */
  readonly port: number;
  /** 4, 6, or -1 for a Unix socket. */
  readonly family: 4 | 6 | -1;
  /** libuv's flags of uv_tcp_bind. */
  readonly flags: number;
  /** Who may use a Unix path beyond its owner: libuv's flags of uv_pipe_chmod. */
  readonly mode?: number;
  /** Connections that may wait in the kernel. */
  readonly backlog: number;
  /** What servers of one address share, such as TLS session ticket keys; the first one's is everybody's. */
  readonly shared: unknown;
}

/** Which servers listen on sockets of the primary's; node:cluster has the others. */
export type OwnSockets = 'all' | 'paths' | 'abstract';

/** What a server's `address()` says; a Unix socket's is empty. */
export interface SocketName {
  readonly address?: string;
  readonly family?: string;
  readonly port?: number;
}

/** The primary's answer: refused with libuv's error number, or bound. */
export type ListenAnswer = { readonly errno: number } | { readonly name: SocketName; readonly shared: unknown };
