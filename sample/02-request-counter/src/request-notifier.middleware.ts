import { Injectable, Logger, type NestMiddleware } from '@nestjs/common';
import { MessengerService } from 'nestjs-cluster';

/** Tells the primary of every request this worker gets. */
@Injectable()
export class RequestNotifier implements NestMiddleware {
  private readonly logger = new Logger(RequestNotifier.name);

  constructor(private readonly messenger: MessengerService) {}

  use(_request: unknown, _response: unknown, next: () => void): void {
    // The request does not wait for the count.
    this.messenger
      .send('primary', 'request.received', process.pid)
      .catch((error: unknown) => this.logger.warn(`a request was not counted: ${String(error)}`));
    next();
  }
}
