import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import type { Feature } from '../feature.js';

@Injectable()
class Listener {
  @OnEvent('asked', { promisify: true })
  async heard() {
    return process.pid;
  }
}

@Controller('event-emitter')
class EventsController {
  constructor(private readonly emitter: EventEmitter2) {}

  @Get()
  async ask() {
    return { pid: process.pid, heardBy: await this.emitter.emitAsync('asked') };
  }
}

@Module({ imports: [EventEmitterModule.forRoot()], controllers: [EventsController], providers: [Listener] })
class EventsModule {}

export const feature: Feature = { module: EventsModule };
