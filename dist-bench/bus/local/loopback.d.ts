/** What a member sends to itself: done in a later loop turn, in order. */
export declare class Loopback {
    private queue;
    push(deliver: () => void): void;
    private run;
}
