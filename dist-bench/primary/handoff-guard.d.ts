import type { Worker } from 'node:cluster';
/**
 * Saves the connections that are in the hand of a dying worker. In round robin the primary hands each
 * connection over and waits for the worker's word that it took it; a worker that dies in between never
 * answers, node:cluster keeps waiting, and the client hangs (nodejs/node#3551, #21746). The guard notes
 * what was handed over and not yet acknowledged; when the worker is gone it answers "not accepted" in its
 * place, upon which node:cluster gives the connection to another worker.
 *
 * The messages are private to Node (seen the same in 20, 22, 24 and 26): anything that does not look like
 * them passes untouched, and then there is no guard and nothing else changes.
 */
export declare function guardHandOffs(worker: Worker): void;
