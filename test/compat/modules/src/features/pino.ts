import { Controller, Get, Module } from '@nestjs/common';
import { Logger, LoggerModule, PinoLogger } from 'nestjs-pino';
import type { Feature } from '../feature.js';

@Controller('pino')
class LoggedController {
  constructor(private readonly logger: PinoLogger) {}

  @Get()
  ask() {
    this.logger.info('asked');
    return { pid: process.pid };
  }
}

@Module({ imports: [LoggerModule.forRoot()], controllers: [LoggedController] })
class LoggedModule {}

export const feature: Feature = {
  module: LoggedModule,
  setUp: (app) => app.useLogger(app.get(Logger)),
};
