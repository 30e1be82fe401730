import { Controller, Get, type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { ClusterModule, ClusterService } from 'nestjs-cluster';
import { PrimaryModule } from './primary.module.js';
import { RequestNotifier } from './request-notifier.middleware.js';

@Controller()
class HelloController {
  constructor(private readonly cluster: ClusterService) {}

  @Get()
  hello() {
    return { hello: 'world', slot: this.cluster.slot, pid: process.pid };
  }
}

@Module({
  imports: [ClusterModule.forRoot({ primary: PrimaryModule })],
  controllers: [HelloController],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(RequestNotifier).forRoutes('{*path}');
  }
}
