import { BackpressureError, MemberLostError, NotConnectedError, PayloadTooLargeError } from '../../errors/index.js';
import { answerIn, publicationIn, requestIn, taskIn } from './deliveries.js';
import { DeliveryRefused } from '../delivery-refused.js';
import { idOf, Kind, kindOf, newFrame, payloadOf, setAttempts, setDeadline, setId, setOutcome, setRedeliveries, setTarget, setTerm, sourceOf, sourceSlotOf, targetOf, termOf, } from './frame.js';
import { Loopback } from './loopback.js';
import { Outbox } from './outbox.js';
import { PendingCalls } from './pending-calls.js';
import { decodeMembers } from './roster.js';
/** What `publish` returns where nothing has to wait. */
const TAKEN = Promise.resolve();
/** A member's end of the embedded bus: speaks frames over one link to the hub. */
export class LocalBus {
    link;
    self;
    maxPayload;
    fenced;
    members = [];
    calls = new PendingCalls();
    outbox;
    loopback = new Loopback();
    /** Terms of the claims this member holds, by key. */
    held = new Map();
    publications = 0;
    receiver;
    opened;
    raiseFence;
    isFenced = false;
    /** Why nothing is sent any more. */
    closed;
    linkClosed;
    whenLinkClosed;
    constructor(link, self, { maxPayload, queueLimit }) {
        this.link = link;
        this.self = self;
        this.maxPayload = maxPayload;
        this.outbox = new Outbox(link, queueLimit);
        this.fenced = new Promise((resolve) => (this.raiseFence = resolve));
        this.whenLinkClosed = new Promise((resolve) => (this.linkClosed = resolve));
    }
    open(receiver) {
        if (this.receiver !== undefined)
            return Promise.reject(new Error('The bus is open already.'));
        if (this.closed !== undefined)
            return Promise.reject(this.notConnected());
        this.receiver = receiver;
        const opened = new Promise((resolve, reject) => (this.opened = { resolve, reject }));
        this.link.attach({
            onFrame: (frame) => this.receive(frame),
            onDrain: () => this.outbox.passOn(),
            onClose: (reason) => this.disconnected(reason),
        });
        return opened;
    }
    serve(events) {
        this.link.send(newFrame(Kind.SERVE, '', '', Buffer.from(JSON.stringify(events))));
    }
    publish(event, payload) {
        const refusal = this.refusal(event, payload);
        if (refusal !== undefined)
            return Promise.reject(refusal);
        let frame;
        try {
            frame = newFrame(Kind.PUBLISH, event, '', payload);
        }
        catch (error) {
            return Promise.reject(error);
        }
        if (this.outbox.isClear('everyone')) {
            this.sendPublish(frame, event, payload);
            return TAKEN;
        }
        return new Promise((resolve, reject) => {
            const pass = () => {
                this.sendPublish(frame, event, payload);
                resolve();
            };
            this.outbox.wait({ target: 'everyone', bytes: frame.length, pass, fail: reject });
        });
    }
    request(to, event, payload, deadline, signal) {
        const refusal = this.refusal(event, payload);
        if (refusal !== undefined)
            return Promise.reject(refusal);
        return new Promise((resolve, reject) => {
            const frame = newFrame(Kind.REQUEST, event, '', payload);
            setTarget(frame, to);
            setDeadline(frame, deadline);
            this.call({ what: 'request', to, resolve, reject }, to, frame, signal);
        });
    }
    reply(request, outcome, payload) {
        this.checkSize(request.event, payload);
        if (request.fromId === this.self.id) {
            this.loopback.push(() => this.settleCall(request.id, { outcome, payload, slot: this.self.address }));
            return;
        }
        const frame = newFrame(Kind.REPLY, '', '', payload);
        setId(frame, request.id);
        setTarget(frame, request.fromId);
        setOutcome(frame, outcome);
        this.link.send(frame);
    }
    enqueue(task, signal) {
        const { event, key, payload, deadline, redeliveries, attempts } = task;
        const refusal = this.refusal(event, payload);
        if (refusal !== undefined)
            return Promise.reject(refusal);
        return new Promise((resolve, reject) => {
            const frame = newFrame(Kind.TASK, event, key, payload);
            setDeadline(frame, deadline);
            setRedeliveries(frame, redeliveries);
            setAttempts(frame, attempts);
            this.call({ what: 'task', resolve, reject }, 'nobody', frame, signal);
        });
    }
    settle(task, outcome, payload) {
        this.checkSize(task.event, payload);
        const frame = newFrame(Kind.RESULT, '', '', payload);
        setId(frame, task.id);
        setOutcome(frame, outcome);
        this.link.send(frame);
    }
    claim(key, ttl, signal) {
        if (this.closed !== undefined)
            return Promise.reject(this.notConnected());
        return new Promise((resolve, reject) => {
            const frame = newFrame(Kind.CLAIM, '', key);
            setDeadline(frame, ttl);
            this.call({ what: 'claim', key, resolve, reject }, 'nobody', frame, signal);
        });
    }
    conclude(key, outcome, payload) {
        this.checkSize(key, payload);
        const term = this.held.get(key);
        if (term === undefined)
            return;
        this.held.delete(key);
        const frame = newFrame(Kind.CONCLUDE, '', key, payload);
        setOutcome(frame, outcome);
        setTerm(frame, term);
        this.link.send(frame);
    }
    flush() {
        return this.link.flush();
    }
    async close() {
        if (this.closed === undefined) {
            this.shut('it was closed');
            if (this.receiver === undefined)
                return this.link.abort('closed before it was opened');
            this.link.close();
        }
        await this.whenLinkClosed;
    }
    /** Sends a call now or when its turn comes, and keeps it until its answer comes or the caller gives up. */
    call(call, target, frame, signal) {
        const pass = () => {
            const id = this.calls.add(call);
            setId(frame, id);
            signal.cancel = () => this.cancel(id);
            if (target === this.self.id)
                this.loopback.push(() => this.receiveOwnRequest(frame));
            else
                this.link.send(frame);
        };
        if (this.outbox.isClear(target)) {
            pass();
            return;
        }
        const waiting = { target, bytes: frame.length, pass, fail: call.reject };
        this.outbox.wait(waiting);
        signal.cancel = () => this.outbox.remove(waiting);
    }
    cancel(id) {
        const call = this.calls.take(id);
        if (call === undefined || call.what === 'request')
            return;
        const frame = newFrame(Kind.CANCEL, '', call.what === 'claim' ? call.key : '');
        setId(frame, id);
        this.link.send(frame);
    }
    sendPublish(frame, event, payload) {
        const id = (this.publications = (this.publications + 1) >>> 0);
        setId(frame, id);
        this.link.send(frame);
        this.loopback.push(() => this.receiver.onPublish({ event, payload, from: this.self.address, id }));
    }
    receive(frame) {
        switch (kindOf(frame)) {
            case Kind.PUBLISH:
                return this.receiver.onPublish(publicationIn(frame));
            case Kind.REQUEST:
                return this.receiver.onRequest(requestIn(frame, sourceOf(frame), sourceSlotOf(frame)));
            case Kind.TASK:
                return this.receiver.onTask(taskIn(frame));
            case Kind.REPLY:
                return this.replied(frame);
            case Kind.RESULT:
                return this.settleCall(idOf(frame), answerIn(frame));
            case Kind.OUTCOME:
                return this.settleClaim(idOf(frame), { granted: false, answer: answerIn(frame) });
            case Kind.GRANT:
                return this.granted(idOf(frame), termOf(frame));
            case Kind.REFUSED:
                return this.failCall(idOf(frame), new DeliveryRefused('The member leaves, has left, or takes nothing any more.'));
            case Kind.OVERFLOW:
                return this.failCall(idOf(frame), overflow());
            case Kind.MEMBERS:
                return this.membersChanged(decodeMembers(payloadOf(frame)));
            case Kind.LOST:
                return this.memberLost(targetOf(frame), sourceSlotOf(frame));
            case Kind.CONGESTED:
                return this.outbox.hold(targetOf(frame));
            case Kind.RELIEVED:
                return this.outbox.release(targetOf(frame));
            case Kind.FENCE:
                return this.fence();
        }
    }
    receiveOwnRequest(frame) {
        if (this.isFenced)
            this.failCall(idOf(frame), new DeliveryRefused('This member leaves.'));
        else
            this.receiver.onRequest(requestIn(frame, this.self.id, this.self.address));
    }
    /** Only the member that was asked may answer. */
    replied(frame) {
        const call = this.calls.get(idOf(frame));
        if (call?.what === 'request' && call.to === sourceOf(frame))
            this.settleCall(idOf(frame), answerIn(frame));
    }
    settleCall(id, answer) {
        const call = this.calls.take(id);
        if (call !== undefined && call.what !== 'claim')
            call.resolve(answer);
    }
    settleClaim(id, claim) {
        const call = this.calls.take(id);
        if (call?.what === 'claim')
            call.resolve(claim);
    }
    /** A grant whose caller has given up needs no answer: the hub gets the caller's CANCEL and passes it on. */
    granted(id, term) {
        const call = this.calls.get(id);
        if (call?.what !== 'claim')
            return;
        this.held.set(call.key, term);
        this.settleClaim(id, { granted: true, term });
    }
    failCall(id, error) {
        this.calls.take(id)?.reject(error);
    }
    membersChanged(members) {
        this.members = members;
        this.opened?.resolve();
        this.opened = undefined;
        this.receiver.onMembers(members);
    }
    memberLost(id, slot) {
        const refused = () => new DeliveryRefused('The member is gone.');
        const lost = () => new MemberLostError(slot, `${nameOf(slot)} went away before it answered; whether it ran the call is unknown.`);
        this.outbox.lose(id, refused);
        this.calls.rejectRequestsTo(id, lost);
    }
    fence() {
        this.isFenced = true;
        this.raiseFence();
    }
    /** An answer over the limit would look like a broken member to the hub, and cost it its link. */
    checkSize(name, payload) {
        if (payload.length > this.maxPayload)
            throw new PayloadTooLargeError(name, payload.length, this.maxPayload);
    }
    /** Why a call cannot be made. */
    refusal(event, payload) {
        if (this.closed !== undefined)
            return this.notConnected();
        if (payload.length > this.maxPayload)
            return new PayloadTooLargeError(event, payload.length, this.maxPayload);
        return undefined;
    }
    disconnected(reason) {
        const isNews = this.closed === undefined;
        this.shut(reason);
        this.linkClosed();
        if (isNews)
            this.receiver.onClosed(reason);
    }
    shut(reason) {
        if (this.closed !== undefined)
            return;
        this.closed = reason;
        this.fence();
        this.opened?.reject(this.notConnected());
        this.opened = undefined;
        this.outbox.close(() => this.notConnected());
        this.calls.rejectAll(() => this.notConnected());
    }
    notConnected() {
        return new NotConnectedError(`This process is not connected to the cluster's bus any more: ${this.closed}. ` +
            `Finish messenger calls before the app is closed; if the primary died, the worker is about to end too.`);
    }
}
const nameOf = (slot) => (slot === 'primary' ? 'The primary' : `The worker in slot ${slot}`);
const overflow = () => new BackpressureError(`A queue in the primary is over messenger.queueLimit, so the call was not queued or its answer had no room. ` +
    `Let fewer calls wait at a time, or raise the limit.`);
//# sourceMappingURL=local-bus.js.map