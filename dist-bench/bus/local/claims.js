import { copyOf, deadlineOf, idOf, keyOf, Kind, newHubFrame, outcomeOf, setId, setKind, setTerm, termOf, } from './frame.js';
/** When so many keys are known, those whose answer has expired are looked for. */
const SWEEP_AT = 1024;
/** What is known of a key: somebody holds it, or its answer is kept. */
class Claim {
    holder;
    waiting = [];
    /** Counts the holders. */
    term = 0;
    answer;
}
/** Claims: one holder to a key at a time, its answer for everybody, and another holder if it dies. */
export class Claims {
    congestion;
    warn;
    now;
    claims = new Map();
    sweepAt = SWEEP_AT;
    constructor(congestion, warn, now) {
        this.congestion = congestion;
        this.warn = warn;
        this.now = now;
    }
    claim(from, frame) {
        const key = keyOf(frame);
        const claimant = { seat: from, call: idOf(frame), ttl: deadlineOf(frame) };
        const claim = this.current(key);
        if (claim.answer !== undefined)
            this.tell(claimant, claim.answer.frame);
        else if (claim.holder !== undefined)
            claim.waiting.push(claimant);
        else
            this.grant(claim, claimant);
    }
    /** The holder says how its run ended. */
    conclude(from, frame) {
        const key = keyOf(frame);
        const claim = this.claims.get(key);
        if (claim?.holder?.seat !== from || claim.term !== termOf(frame)) {
            this.warn(`${from.name} concluded the claim on '${key}' in term ${termOf(frame)}, which it does not hold; ignored.`);
            return;
        }
        const answer = copyOf(frame);
        setKind(answer, Kind.OUTCOME);
        if (outcomeOf(frame) === 'ok')
            claim.answer = { frame: answer, until: this.now() + claim.holder.ttl };
        else
            this.claims.delete(key);
        claim.holder = undefined;
        for (const claimant of claim.waiting.splice(0))
            this.tell(claimant, answer);
    }
    /** A claimant waits no more; if the claim was just granted to it, the next one gets it. */
    cancel(from, frame) {
        const key = keyOf(frame);
        const call = idOf(frame);
        const claim = this.claims.get(key);
        if (claim === undefined)
            return;
        const isCaller = (claimant) => claimant?.seat === from && claimant.call === call;
        const at = claim.waiting.findIndex(isCaller);
        if (at >= 0)
            claim.waiting.splice(at, 1);
        else if (isCaller(claim.holder))
            this.passOn(key, claim);
    }
    lost(seat) {
        for (const [key, claim] of this.claims) {
            const others = claim.waiting.filter((claimant) => claimant.seat !== seat);
            claim.waiting.splice(0, claim.waiting.length, ...others);
            if (claim.holder?.seat === seat)
                this.passOn(key, claim);
        }
    }
    current(key) {
        let claim = this.claims.get(key);
        if (claim === undefined || this.isExpired(claim)) {
            claim = new Claim();
            this.claims.delete(key);
            this.claims.set(key, claim);
            this.sweep();
        }
        return claim;
    }
    grant(claim, claimant) {
        claim.holder = claimant;
        const frame = newHubFrame(Kind.GRANT, claimant.call);
        setTerm(frame, ++claim.term);
        this.congestion.tell(claimant.seat, frame);
    }
    passOn(key, claim) {
        claim.holder = undefined;
        const next = claim.waiting.shift();
        if (next === undefined)
            this.claims.delete(key);
        else
            this.grant(claim, next);
    }
    tell({ seat, call }, answer) {
        const frame = copyOf(answer);
        setId(frame, call);
        if (!this.congestion.offer(seat, frame))
            this.congestion.tell(seat, newHubFrame(Kind.OVERFLOW, call));
    }
    isExpired({ answer }) {
        return answer !== undefined && answer.until <= this.now();
    }
    sweep() {
        if (this.claims.size < this.sweepAt)
            return;
        for (const [key, claim] of this.claims) {
            if (this.isExpired(claim))
                this.claims.delete(key);
        }
        this.sweepAt = Math.max(SWEEP_AT, this.claims.size * 2);
    }
}
//# sourceMappingURL=claims.js.map