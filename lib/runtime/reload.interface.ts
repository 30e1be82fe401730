/** The progress of a rolling reload. @publicApi */
export interface ReloadProgress {
  /** `canary`: the first worker of the new build is starting; `rolling`: it stayed healthy, and the others follow. */
  readonly phase: 'canary' | 'rolling' | 'done' | 'failed';
  /** The generation that is being started. */
  readonly generation: number;
  /** How many slots run it already. */
  readonly replaced: number;
  /** How many slots there are in total. */
  readonly total: number;
  /** Why the reload failed. */
  readonly reason?: string;
}

/** The result of a successful reload. @publicApi */
export interface ReloadReport {
  /** The generation that every slot runs now. */
  readonly generation: number;
  /** Time from the request until the last new worker was ready, in ms. */
  readonly duration: number;
  /** The process ids before and after, by slot. `oldPid` is undefined if the slot was empty. */
  readonly replaced: readonly {
    readonly slot: number;
    readonly oldPid: number | undefined;
    readonly newPid: number;
  }[];
  /**
   * The real path of the file that every worker runs now, symbolic links resolved: it shows which release is running.
   */
  readonly release: string;
}
