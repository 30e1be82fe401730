import { Logger, type LoggerService, type LogLevel } from '@nestjs/common';
import { type Clock } from '../../platform/clock.js';
import { chosenLogger, isBuffered, isNestsText, jsonLogger } from '../../platform/nest-logger.js';
import type { LogFormat } from './log-format.js';

/** The values of the option `logger`. */
type LoggerOption = LoggerService | readonly LogLevel[] | 'json' | false;

type Arguments = [message: unknown, ...rest: unknown[]];
type Level = 'log' | 'warn' | 'error' | 'debug' | 'verbose' | 'fatal';

/** How long lines are held until the app's log format is known, in ms, if the app itself buffers its logs. */
const HOLD = 10_000;

/** The maximum number of lines that are held. */
const HELD = 1_000;

/** The primary's logger if the app has not chosen one: Nest's own logger, which writes JSON if the workers log JSON. */
class FollowingLogger implements LoggerService {
  private held: (() => void)[] | undefined;
  private readonly json = jsonLogger();

  constructor(
    private text: LoggerService,
    private readonly format: LogFormat,
    isHeld: boolean,
  ) {
    if (isHeld) this.held = [];
  }

  log = (...args: Arguments) => this.say('log', args);
  debug = (...args: Arguments) => this.say('debug', args);
  verbose = (...args: Arguments) => this.say('verbose', args);
  warn = (...args: Arguments) => this.sayNow('warn', args);
  error = (...args: Arguments) => this.sayNow('error', args);
  fatal = (...args: Arguments) => this.sayNow('fatal', args);

  /** Writes the lines that were held: the app's format is known, or the wait for it is over. */
  release(): void {
    const { held } = this;
    this.held = undefined;
    for (const line of held ?? []) line();
  }

  /** The primary module has chosen another logger. */
  follow(chosen: LoggerService): void {
    this.text = chosen;
    this.release();
  }

  private say(level: Level, args: Arguments): void {
    const line = () => this.target[level]?.(...args);
    if (this.held === undefined || this.held.length >= HELD) line();
    else this.held.push(line);
  }

  /** Warnings and errors are never held. */
  private sayNow(level: Level, args: Arguments): void {
    this.release();
    this.say(level, args);
  }

  private get target(): LoggerService {
    return this.format.isJson && isNestsText(this.text) ? this.json : this.text;
  }
}

/** The primary's logger: the one of the option `logger`, otherwise the app's, as far as this process knows it. */
export class PrimaryLogger {
  private following: FollowingLogger | undefined;

  constructor(
    private readonly format: LogFormat,
    private readonly clock: Clock,
  ) {}

  /** Sets the logger that the primary uses from now on. Must be called before its context is constructed. */
  choose(option: LoggerOption | undefined): void {
    if (option !== undefined) {
      Logger.overrideLogger(option === 'json' ? jsonLogger() : (option as LoggerService | LogLevel[] | false));
    } else if (isNestsText(chosenLogger())) {
      this.following = new FollowingLogger(chosenLogger()!, this.format, isBuffered());
      Logger.overrideLogger(this.following);
      this.clock.after(HOLD, () => this.following?.release(), false);
    }
    // With `bufferLogs`, lines wait for an app that never comes up in this process.
    Logger.flush();
  }

  /** The primary module is up, and may have chosen a logger. */
  settle(): void {
    const chosen = chosenLogger();
    if (chosen !== undefined && chosen !== this.following) this.following?.follow(chosen);
  }

  /** A worker is ready. */
  workerReady(logsJson: boolean): void {
    if (logsJson) this.format.told();
    this.following?.release();
  }
}
