import { Logger } from '@nestjs/common';
import { printable } from '../errors/printable.js';

/** Context of every line this package logs. */
const LOG_CONTEXT = 'Cluster';

type Rest = readonly unknown[];

const clean = (value: unknown): unknown => (typeof value === 'string' ? printable(value) : value);

/**
 * The package's own line to whatever logger the app has. Much of what it says quotes others: names of events, errors of
 * handlers and brokers, what a worker wrote last. None of that may look like a line of its own, or steer a terminal.
 */
export class ClusterLogger extends Logger {
  constructor() {
    super(LOG_CONTEXT);
  }

  override log(message: unknown, ...rest: Rest): void {
    super.log(clean(message), ...rest.map(clean));
  }

  override warn(message: unknown, ...rest: Rest): void {
    super.warn(clean(message), ...rest.map(clean));
  }

  override error(message: unknown, ...rest: Rest): void {
    super.error(clean(message), ...rest.map(clean));
  }
}
