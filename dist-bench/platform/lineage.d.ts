/**
 * Living processes that were started with the environment variable `name` set to `value`. A worker's
 * children inherit its environment, so they are found even when they belong to nobody any more.
 * Linux only: elsewhere there is no such list, and the answer is empty.
 */
export declare function processesMarked(name: string, value: string): Promise<number[]>;
