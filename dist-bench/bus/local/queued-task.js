/** A task between being asked for and having ended. */
export class QueuedTask {
    id;
    event;
    key;
    frame;
    deadline;
    redeliveries;
    attempts;
    /** Those who get the result; more than one where calls share a key. */
    callers = [];
    /** The worker that runs it. */
    runner;
    /** How often it was given to a worker. */
    attempt = 0;
    constructor(id, event, 
    /** Event and key together, where the caller gave a key. */
    key, 
    /** What goes to the worker; kept for the next one. */
    frame, 
    /** Unix time in ms after which none of the callers waits. */
    deadline, 
    /** How often it may yet go to another worker after its runner died. */
    redeliveries, 
    /** How often it may yet run, the next time included. */
    attempts) {
        this.id = id;
        this.event = event;
        this.key = key;
        this.frame = frame;
        this.deadline = deadline;
        this.redeliveries = redeliveries;
        this.attempts = attempts;
    }
}
//# sourceMappingURL=queued-task.js.map