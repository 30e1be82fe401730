import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';

/** The logger that `NestFactory.create`, `app.useLogger` and `Logger.overrideLogger` have set. */
class ChosenLogger extends Logger {
  static get instance(): LoggerService | undefined {
    return this.staticInstanceRef;
  }

  static get levels(): typeof Logger.logLevels {
    return this.logLevels;
  }
}

/** The logger that every `new Logger(context)` of this process writes to; undefined if the app wants none. */
export function chosenLogger(): LoggerService | undefined {
  return ChosenLogger.instance;
}

/** Whether the app holds back its log lines until it has a logger (`bufferLogs: true`). */
export function isBuffered(): boolean {
  return Reflect.get(Logger, 'isBufferAttached') === true;
}

/** Whether it is Nest's own logger writing text: the default of an app that has chosen no logger. */
export function isNestsText(logger: LoggerService | undefined): boolean {
  return logger?.constructor === ConsoleLogger && !writesJson(logger);
}

/** Creates Nest's own logger with JSON output and the log levels of the app. */
export function jsonLogger(): LoggerService {
  return new ConsoleLogger({ json: true, logLevels: ChosenLogger.levels });
}

/**
 * Whether the logger is known to write JSON lines to this process's output: Nest's own, or pino without a transport.
 */
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
    // A transport writes in another thread, and only it knows in which format.
    if (symbol) return typeof (Reflect.get(candidate, symbol) as { fd?: unknown } | undefined)?.fd === 'number';
  }
  return false;
}

/**
 * Runs `work` with a logger that drops the informational lines of a starting context. Afterwards, the app's own logger
 * is restored.
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
