/**
 * The user's settings of node:cluster with the bus added: an extra pipe at the end of `stdio`, private to
 * the two processes and gone with them. stderr passes through the primary, which keeps its end as the
 * worker's last words.
 */
export function forkSettings(fork) {
    const { env: _perFork, stdio, args, execArgv, silent, ...others } = fork;
    const output = silent ? 'pipe' : 'inherit';
    const streams = stdio ?? [silent ? 'pipe' : 'inherit', output, 'pipe', 'ipc'];
    return {
        settings: {
            ...others,
            ...(args ? { args: [...args] } : {}),
            ...(execArgv ? { execArgv: [...execArgv] } : {}),
            ...(silent === undefined ? {} : { silent }),
            stdio: [...streams, 'pipe'],
        },
        busFd: streams.length,
    };
}
//# sourceMappingURL=fork-settings.js.map