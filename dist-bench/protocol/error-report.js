import { ClusterError, ClusterRequestError, ReloadError } from '../errors/index.js';
/** The error in the form the control channel carries. */
export function errorReport(error) {
    if (!(error instanceof Error))
        return { name: 'Error', message: String(error) };
    const { name, message, stack } = error;
    const code = error.code;
    return {
        name,
        message,
        ...(typeof code === 'string' ? { code } : {}),
        ...(stack === undefined ? {} : { stack }),
    };
}
/** The error a report stands for, of its own class where the package raised it. */
export function rebuildReport(report) {
    switch (report.code) {
        case ReloadError.code:
            return new ReloadError(report.message);
        case ClusterRequestError.code:
            return new ClusterRequestError(report.message);
        default:
            return new ClusterError(report.code ?? 'ERR_CLUSTER_REMOTE', report.message);
    }
}
//# sourceMappingURL=error-report.js.map