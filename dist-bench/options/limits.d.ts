/** More processes than this are taken for a slip of the pen. */
export declare const MAX_WORKERS = 1024;
/** Node's timers hold 31 bits: a longer delay would fire at once. In ms. */
export declare const MAX_DELAY: number;
