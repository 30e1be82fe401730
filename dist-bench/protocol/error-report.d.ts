import type { ErrorReport } from './messages.js';
/** The error in the form the control channel carries. */
export declare function errorReport(error: unknown): ErrorReport;
/** The error a report stands for, of its own class where the package raised it. */
export declare function rebuildReport(report: ErrorReport): Error;
