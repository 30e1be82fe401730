import { ClusterError, ClusterRequestError, ReloadError } from '../errors/errors.js';
import { readError } from '../errors/read-error.js';
import type { ErrorReport } from './messages.js';

/** The error in the form the control channel carries. */
export function errorReport(error: unknown): ErrorReport {
  const { name, message, code, stack } = readError(error);
  return {
    name,
    message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** The error a report stands for, of its own class where the package raised it. */
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
