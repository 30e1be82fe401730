/** What `availableCores` looks at. */
export interface Machine {
    /** Processors this process may be scheduled on: `os.availableParallelism()`. */
    readonly parallelism: number;
    /** The text of a file; may throw for a file that cannot be read. */
    readonly readFile: (path: string) => string;
    /** `process.platform`; cgroups are looked for on Linux only. Default `'linux'`. */
    readonly platform?: NodeJS.Platform;
}
/**
 * The cores this process may really use: the processors of its affinity mask, or fewer where a cgroup
 * (v1 or v2, at any level above the process) gives it less CPU time than that.
 *
 * A quota is rounded down, to at least 1, as libuv's `uv_available_parallelism` and uber-go/automaxprocs do:
 * one process too many is throttled together with all the others. Missing or malformed files are no limit.
 */
export declare function availableCores({ parallelism, readFile, platform }: Machine): number;
