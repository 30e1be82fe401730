import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';

/** What `NestFactory.create`, `app.useLogger` and `Logger.overrideLogger` have chosen. */
class ChosenLogger extends Logger {
  static get instance(): LoggerService | undefined {
    return this.staticInstanceRef;
  }

  static get levels(): typeof Logger.logLevels {
    return this.logLevels;
  }
}

/** The logger that every `new Logger(context)` of this process writes to; undefined where the app wants none. */
export function chosenLogger(): LoggerService | undefined {
  return ChosenLogger.instance;
}

/** Whether the app waits with its lines until it has a logger (`bufferLogs: true`). */
export function isBuffered(): boolean {
  return Reflect.get(Logger, 'isBufferAttached') === true;
}

/** Nest's own logger, which writes text: what an app has that chose none. */
export function isNestsText(logger: LoggerService | undefined): boolean {
  return logger?.constructor === ConsoleLogger && !writesJson(logger);
}

/** Nest's own logger, for lines of JSON, with the levels that the app wants. */
export function jsonLogger(): LoggerService {
  return new ConsoleLogger({ json: true, logLevels: ChosenLogger.levels });
}

/** Whether the logger is known to write lines of JSON to this process's output: Nest's own, or pino without a transport. */
export function writesJson(logger: LoggerService | undefined): boolean {
  if (logger instanceof ConsoleLogger)
    return (logger as unknown as { options?: { json?: boolean } }).options?.json === true;
  // nestjs-pino: Logger -> PinoLogger -> pino.
  const outer = (logger as { logger?: { logger?: object } } | undefined)?.logger;
  return [outer, outer?.logger].some((candidate) => isPlainPino(candidate));
}

function isPlainPino(candidate: object | undefined): boolean {
  if (typeof candidate !== 'object' || candidate === null) return false;
  for (
    let holder: object | null = candidate;
    holder !== null;
    holder = Object.getPrototypeOf(holder) as object | null
  ) {
    const symbol = Object.getOwnPropertySymbols(holder).find(({ description }) => description === 'pino.stream');
    // A transport writes in another thread, and what it makes of the lines only it knows.
    if (symbol) return typeof (Reflect.get(candidate, symbol) as { fd?: unknown } | undefined)?.fd === 'number';
  }
  return false;
}

/**
 * Runs `work` with a logger that leaves out what a context says of itself while it comes up; the app's own choice
 * stands again afterwards.
 */
export async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const chosen = chosenLogger();
  const quiet: LoggerService = {
    log: () => {},
    warn: (...args: [unknown, ...unknown[]]) => chosen?.warn(...args),
    error: (...args: [unknown, ...unknown[]]) => chosen?.error(...args),
    fatal: (...args: [unknown, ...unknown[]]) => chosen?.fatal?.(...args),
  };
  Logger.overrideLogger(quiet);
  try {
    return await work();
  } finally {
    if (chosenLogger() === quiet) Logger.overrideLogger(chosen ?? false);
  }
}
