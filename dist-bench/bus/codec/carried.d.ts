/** Whether msgpackr carries `value` without loss; false also for what cannot be carried at all. */
export declare function isCarried(value: unknown): boolean;
