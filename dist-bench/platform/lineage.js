import { readFile, readdir } from 'node:fs/promises';
/**
 * Living processes that were started with the environment variable `name` set to `value`. A worker's
 * children inherit its environment, so they are found even when they belong to nobody any more.
 * Linux only: elsewhere there is no such list, and the answer is empty.
 */
export async function processesMarked(name, value) {
    const mark = Buffer.from(`${name}=${value}\0`);
    const pids = (await readdir('/proc').catch(() => [])).filter((entry) => /^\d+$/.test(entry));
    const marked = await Promise.all(pids.map(async (pid) => {
        // Gone meanwhile, or another user's: not ours.
        const environment = await readFile(`/proc/${pid}/environ`).catch(() => undefined);
        return environment?.includes(mark) ? Number(pid) : undefined;
    }));
    return marked.filter((pid) => pid !== undefined);
}
//# sourceMappingURL=lineage.js.map