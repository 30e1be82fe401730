/** More processes than this are taken for a slip of the pen. */
export const MAX_WORKERS = 1024;
/** Node's timers hold 31 bits: a longer delay would fire at once. In ms. */
export const MAX_DELAY = 2 ** 31 - 1;
//# sourceMappingURL=limits.js.map