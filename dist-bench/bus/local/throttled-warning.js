/** At most one warning of a kind in this many ms. */
const QUIET = 10_000;
/** A warning that may be due thousands of times a second: said at once, then at most every ten seconds with a count. */
export class ThrottledWarning {
    warn;
    now;
    text;
    /** How often it was due, ever. */
    count = 0;
    said = 0;
    saidAt = -Infinity;
    constructor(warn, now, 
    /** The text for so many occurrences since it was last said. */
    text) {
        this.warn = warn;
        this.now = now;
        this.text = text;
    }
    due(detail) {
        this.count++;
        const now = this.now();
        if (now - this.saidAt < QUIET)
            return;
        this.saidAt = now;
        const since = this.count - this.said;
        this.said = this.count;
        this.warn(this.text(since, detail));
    }
}
//# sourceMappingURL=throttled-warning.js.map