/** The events of this app and what their handlers take and return; messenger calls are checked against it. */
declare module 'nestjs-cluster' {
  interface ClusterEvents {
    'note.added': (text: string) => void;
    fibonacci: (n: number) => FibonacciResult;
    'worker.stats': () => WorkerStats;
  }
}

export interface FibonacciResult {
  readonly value: number;
  /** Slot of the worker that computed it. */
  readonly slot: number;
}

export interface WorkerStats {
  readonly slot: number;
  readonly pid: number;
  /** Resident memory in bytes. */
  readonly rss: number;
  /** Time since the process started, in ms. */
  readonly uptime: number;
}
