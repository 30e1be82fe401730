import { Controller, Get, Injectable, Module } from '@nestjs/common';
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  type ICommand,
  type ICommandHandler,
  type IEventHandler,
  type IQueryHandler,
  QueryBus,
  QueryHandler,
  Saga,
} from '@nestjs/cqrs';
import { filter, map, type Observable } from 'rxjs';
import type { Feature } from '../feature.js';

/** Who did what for an order, and who waits for its end. */
const trails = new Map<string, { readonly steps: string[]; readonly done: () => void }>();
const step = (id: string, what: string) => trails.get(id)?.steps.push(`${what} in ${process.pid}`);

class OpenOrder {
  constructor(readonly id: string) {}
}
class OrderOpened {
  constructor(readonly id: string) {}
}
class ShipOrder {
  constructor(readonly id: string) {}
}
class FindTrail {
  constructor(readonly id: string) {}
}

@CommandHandler(OpenOrder)
class OpenOrderHandler implements ICommandHandler<OpenOrder> {
  constructor(private readonly events: EventBus) {}

  async execute({ id }: OpenOrder) {
    step(id, 'opened');
    this.events.publish(new OrderOpened(id));
  }
}

@EventsHandler(OrderOpened)
class OrderOpenedHandler implements IEventHandler<OrderOpened> {
  handle({ id }: OrderOpened) {
    step(id, 'noticed');
  }
}

@CommandHandler(ShipOrder)
class ShipOrderHandler implements ICommandHandler<ShipOrder> {
  async execute({ id }: ShipOrder) {
    step(id, 'shipped');
    trails.get(id)?.done();
  }
}

@QueryHandler(FindTrail)
class FindTrailHandler implements IQueryHandler<FindTrail> {
  async execute({ id }: FindTrail) {
    return trails.get(id)?.steps ?? [];
  }
}

@Injectable()
class OrderSagas {
  @Saga()
  ship = (events: Observable<object>): Observable<ICommand> =>
    events.pipe(
      filter((event) => event instanceof OrderOpened),
      map(({ id }) => new ShipOrder(id)),
    );
}

@Controller('cqrs')
class OrdersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  async order() {
    const id = crypto.randomUUID();
    await new Promise<void>((done, reject) => {
      trails.set(id, { steps: [], done });
      this.commands.execute(new OpenOrder(id)).catch(reject);
    });
    return { pid: process.pid, steps: (await this.queries.execute(new FindTrail(id))) as string[] };
  }
}

@Module({
  imports: [CqrsModule.forRoot()],
  controllers: [OrdersController],
  providers: [OpenOrderHandler, OrderOpenedHandler, ShipOrderHandler, FindTrailHandler, OrderSagas],
})
class OrdersModule {}

export const feature: Feature = { module: OrdersModule };
