import { Module, type OnModuleInit } from '@nestjs/common';
import { setupPrimary } from '@socket.io/cluster-adapter';

/** The primary's end of Socket.IO's adapter: passes what one worker broadcasts on to the others. */
@Module({})
export class PrimaryModule implements OnModuleInit {
  onModuleInit(): void {
    setupPrimary();
  }
}
