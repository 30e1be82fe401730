import { ClusterError, ClusterRequestError, ReloadError } from '../errors/errors.js';
import { readError } from '../errors/read-error.js';
import type { ErrorReport } from './messages.js';

/** Converts an error to the form in which the control channel carries it. */
export function errorReport(error: unknown): ErrorReport {
  const { name, message, code, stack } = readError(error);
  return {
    name,
    message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** Creates the error of a report; it has its own class if this package raised it. */
export function rebuildReport(report: ErrorReport): Error {
  switch (report.code) {
    case ReloadError.code:
      return new ReloadError(report.message);
    case ClusterRequestError.code:
      return new ClusterRequestError(report.message);
    default:
      return new ClusterError(report.code ?? 'ERR_CLUSTER_REMOTE', report.message);
  }
}
