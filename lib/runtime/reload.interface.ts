/** How far a rolling reload is. @publicApi */
export interface ReloadProgress {
  /** `canary`: the first worker of the new build is brought up; `rolling`: it stood, the others follow. */
  readonly phase: 'canary' | 'rolling' | 'done' | 'failed';
  /** Generation that is brought up. */
  readonly generation: number;
  /** Slots that run it. */
  readonly replaced: number;
  /** Slots in all. */
  readonly total: number;
  /** Why it failed. */
  readonly reason?: string;
}

/** What a reload that succeeded did. @publicApi */
export interface ReloadReport {
  /** Generation every slot runs now. */
  readonly generation: number;
  /** From the request to the last replacement being ready, in ms. */
  readonly duration: number;
  /** Who was replaced by whom, by slot. `oldPid` is undefined for a slot that stood empty. */
  readonly replaced: readonly {
    readonly slot: number;
    readonly oldPid: number | undefined;
    readonly newPid: number;
  }[];
  /** The file that every worker runs now, with no symbolic link on the way to it: the release, where deployments switch one. */
  readonly release: string;
}
