import { Controller, Get, Module, Query } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { MessengerService, OnClusterEvent } from 'nestjs-cluster';
import type { Server } from 'socket.io';
import type { Feature } from '../feature.js';

@WebSocketGateway({ transports: ['websocket'] })
class NewsGateway {
  @WebSocketServer() private readonly server!: Server;

  @SubscribeMessage('who')
  who() {
    return { pid: process.pid };
  }

  /** To the clients of this worker only. */
  @OnClusterEvent('socketio.news')
  emit(text: string) {
    this.server.emit('news', text);
  }
}

@Controller('socketio')
class NewsController {
  constructor(
    private readonly gateway: NewsGateway,
    private readonly messenger: MessengerService,
  ) {}

  @Get('say')
  async say(@Query('text') text: string) {
    await this.messenger.broadcast('socketio.news', text);
    return { pid: process.pid };
  }

  @Get('say-here')
  sayHere(@Query('text') text: string) {
    this.gateway.emit(text);
    return { pid: process.pid };
  }
}

@Module({ controllers: [NewsController], providers: [NewsGateway] })
class NewsModule {}

export const feature: Feature = { module: NewsModule };
