import { InvalidArgumentError } from '../errors/index.js';
import { checkName, checkOptions, readCount, readTime, show } from './arguments.js';
import { Deadline } from './deadline.js';
import { noWorkerReady, timedOut, valueOf } from './outcome.js';
const OPTIONS = ['timeout', 'id', 'attempts', 'redeliveries', 'delivery'];
const DEFAULT_REDELIVERIES = 2;
/** The checked options of a `consume`, with the defaults filled in. */
export function readConsumeOptions(call, options, timeout) {
    checkOptions(call, options, OPTIONS);
    const { id, delivery = 'at-least-once' } = options ?? {};
    if (id !== undefined)
        checkName(call, 'id', id);
    if (delivery !== 'at-least-once' && delivery !== 'at-most-once') {
        throw new InvalidArgumentError(`${call}: delivery must be 'at-least-once' or 'at-most-once', not ${show(delivery)}.`);
    }
    const once = delivery === 'at-most-once';
    const attempts = readCount(call, 'attempts', options?.attempts, 1, 1);
    const redeliveries = readCount(call, 'redeliveries', options?.redeliveries, 0, once ? 0 : DEFAULT_REDELIVERIES);
    if (once && (attempts > 1 || redeliveries > 0)) {
        const option = attempts > 1 ? `attempts: ${attempts}` : `redeliveries: ${redeliveries}`;
        throw new InvalidArgumentError(`${call}: delivery 'at-most-once' contradicts ${option}. Leave one of them out.`);
    }
    return { key: id, attempts, redeliveries, timeout: readTime(call, 'timeout', options?.timeout, timeout) };
}
/** Gives a task to the queue and waits for its result. */
export async function consume(connection, label, event, payload, { timeout, ...policy }) {
    const call = { label, event, timeout };
    const deadline = new Deadline(timeout);
    const task = { event, payload, deadline: deadline.at, ...policy };
    const answer = await connection.call(label, deadline, (signal) => {
        connection.serveNow();
        return connection.bus.enqueue(task, signal);
    }, () => (connection.slots().length === 0 ? noWorkerReady(call) : timedOut(call, 'no result came in time')));
    return valueOf(answer, call, 'any ready worker');
}
//# sourceMappingURL=consume.js.map