/** Runs at most `limit` jobs at a time; the others wait in order. */
export declare class TaskLane {
    #private;
    private readonly limit;
    constructor(limit: number);
    /** `job` must not throw or reject; it returns undefined when it is done already. */
    run(job: () => PromiseLike<unknown> | undefined): void;
}
