import { decode, encode } from '../bus/codec.js';
import { checkFunction, checkName, checkOptions, readTime } from './arguments.js';
import { Deadline } from './deadline.js';
import { timedOut, valueOf } from './outcome.js';
import { encodeError } from './remote-errors.js';
/** Runs `fn` if nobody in the cluster has or does, else waits for what came of it there. */
export async function runOnce(connection, errors, key, fn, options) {
    checkName('runOnce', 'key', key);
    const label = `runOnce('${key}')`;
    checkFunction(label, 'the second argument', fn);
    checkOptions(label, options, ['ttl', 'timeout']);
    const ttl = readTime(label, 'ttl', options?.ttl, Infinity);
    const timeout = readTime(label, 'timeout', options?.timeout, Infinity);
    const call = { label, event: key, timeout };
    const deadline = new Deadline(timeout);
    const expired = () => timedOut(call, 'its one run has not ended');
    const claim = await connection.call(label, deadline, (signal) => connection.bus.claim(key, ttl, signal), expired);
    if (!claim.granted)
        return valueOf(claim.answer, call, 'the cluster');
    // Past the deadline the run goes on: others may wait for it.
    return deadline.bound(() => run(connection, errors, key, fn), expired);
}
async function run(connection, errors, key, fn) {
    let payload;
    try {
        payload = encode(key, await fn(), errors.limit);
    }
    catch (error) {
        connection.bus.conclude(key, 'error', encodeError(key, error, errors));
        throw error;
    }
    connection.bus.conclude(key, 'ok', payload);
    // The clone that everybody else gets, so that no bug depends on who ran it.
    return decode(payload);
}
//# sourceMappingURL=run-once.js.map