import { StringDecoder } from 'node:string_decoder';
import { systemClock } from '../platform/clock.js';
import { seal } from '../protocol/messages.js';
/** How much of a worker's stderr is kept, in characters. */
const LAST_WORDS_LENGTH = 4_096;
/** How long the end of a dead worker's stderr is waited for, in ms. */
const LAST_WORDS_TIMEOUT = 500;
/** A worker process as seen from the primary. */
export class WorkerProcess {
    id;
    slot;
    worker;
    /** 0 where the process could not be started. */
    pid;
    alive = true;
    words = '';
    ended;
    /** @param echo whether its stderr is passed on to the primary's */
    constructor(id, slot, worker, echo) {
        this.id = id;
        this.slot = slot;
        this.worker = worker;
        this.pid = worker.process.pid ?? 0;
        const stderr = worker.process.stderr;
        this.ended = stderr ? this.listenTo(stderr, echo) : Promise.resolve();
    }
    /** Sends a control message; one to a closed channel is dropped, for the exit is on its way. */
    send(message) {
        if (this.worker.isConnected())
            this.worker.process.send(seal(message), undefined, {}, () => { });
    }
    kill(signal) {
        this.worker.process.kill(signal);
    }
    /** The end of what it wrote to stderr, complete once the process is gone; '' where stderr is not ours. */
    async lastWords() {
        let cancel = () => { };
        const timeout = new Promise((resolve) => {
            const timer = systemClock.after(LAST_WORDS_TIMEOUT, resolve);
            cancel = () => timer.cancel();
        });
        await Promise.race([this.ended, timeout]);
        cancel();
        return this.words.trim();
    }
    listenTo(stderr, echo) {
        const decoder = new StringDecoder('utf8');
        stderr.on('data', (chunk) => {
            this.words = (this.words + decoder.write(chunk)).slice(-LAST_WORDS_LENGTH);
            if (echo)
                process.stderr.write(chunk);
        });
        return new Promise((resolve) => {
            stderr.once('close', resolve);
            stderr.once('error', () => resolve());
        });
    }
}
//# sourceMappingURL=worker-process.js.map