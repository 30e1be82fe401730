import type { Link } from './link.js';
/** Two ends of a line within one process: what one sends, the other gets in a later loop turn, in order. */
export declare function memoryLinkPair(): [Link, Link];
