import { ClusterOptionsError } from '../errors/index.js';
/** One thing that is wrong with the options. */
export interface Problem {
    /** Dotted path of the option, e.g. `restart.minDelay`. */
    readonly path: string;
    /** What was given there, as `show` put it. */
    readonly got: string;
    /** What is allowed, or what to do instead. */
    readonly remedy: string;
}
/** A refused value as an error message shows it: on one line, and short. */
export declare function show(value: unknown): string;
/** The one error for all that is wrong. */
export declare function refusal(call: string, problems: readonly Problem[]): ClusterOptionsError;
