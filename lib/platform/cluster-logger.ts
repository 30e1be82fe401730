import { Logger } from '@nestjs/common';
import { printable } from '../errors/printable.js';

/** The context of every line that this package logs. */
const LOG_CONTEXT = 'Cluster';

type Rest = readonly unknown[];

const clean = (value: unknown): unknown => (typeof value === 'string' ? printable(value) : value);

/**
 * Writes the package's own log lines to the app's logger. Many lines quote foreign text: names of events, errors of
 * handlers and brokers, the last output of a worker. Such text must not look like a log line or control a terminal.
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
