/** What microservices answer, whatever carries their messages. */
import { Controller, Injectable, Module } from '@nestjs/common';
import {
  EventPattern,
  GrpcMethod,
  MessagePattern,
  type MicroserviceOptions,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { ClusterService } from 'nestjs-cluster';
import { map, Observable, take, timer } from 'rxjs';
import { report } from './report.js';
import { untilLeaving } from './until-leaving.js';

/** NOT_FOUND of gRPC. */
const NOT_FOUND = 5;

interface Amount {
  readonly n: number;
}

const answer = (n: number) => ({ n, pid: process.pid });

@Injectable()
class Sums {
  constructor(private readonly cluster: ClusterService) {}

  square({ n }: Amount) {
    return answer(n * n);
  }

  /** Answers while this worker leaves, however long that takes to begin. */
  async hold({ n }: Amount) {
    report('held', { n });
    await untilLeaving(this.cluster);
    return answer(n);
  }

  count({ n }: Amount): Observable<object> {
    return timer(0, 20).pipe(take(n), map(answer));
  }
}

@Controller()
class MessageController {
  constructor(private readonly sums: Sums) {}

  @MessagePattern('square')
  square(amount: Amount) {
    return this.sums.square(amount);
  }

  @MessagePattern('hold')
  hold(amount: Amount) {
    return this.sums.hold(amount);
  }

  @MessagePattern('count')
  count(amount: Amount) {
    return this.sums.count(amount);
  }

  @MessagePattern('refuse')
  refuse() {
    throw new RpcException('no such sum');
  }

  @EventPattern('said')
  said({ n }: Amount) {
    report('said', { n });
  }
}

@Controller()
class GrpcController {
  constructor(private readonly sums: Sums) {}

  @GrpcMethod('Sums', 'Square')
  square(amount: Amount) {
    return this.sums.square(amount);
  }

  @GrpcMethod('Sums', 'Hold')
  hold(amount: Amount) {
    return this.sums.hold(amount);
  }

  @GrpcMethod('Sums', 'Count')
  count(amount: Amount) {
    return this.sums.count(amount);
  }

  @GrpcMethod('Sums', 'Refuse')
  refuse() {
    throw new RpcException({ code: NOT_FOUND, message: 'no such sum' });
  }
}

@Module({ controllers: [MessageController, GrpcController], providers: [Sums] })
export class SumsModule {}

/** How each transport is opened. */
export const transports: Record<string, (port: number) => MicroserviceOptions> = {
  tcp: (port) => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }),
  nats: () => ({ transport: Transport.NATS, options: { servers: [process.env['NATS_URL']!], queue: 'sums' } }),
  grpc: (port) => ({
    transport: Transport.GRPC,
    options: { url: `127.0.0.1:${port}`, package: 'sums', protoPath: process.env['PROTO']! },
  }),
};
