/** An HTTP application with the chosen features. */
import { NestFactory } from '@nestjs/core';
import { ClusterService } from 'nestjs-cluster';
import { AppModule } from './app.module.js';
import { features } from './feature.js';

/** What an Express middleware needs here. */
interface Exchange {
  readonly headers: Record<string, string | undefined>;
  setHeader(name: string, value: string): void;
  status(code: number): this;
  end(): void;
}

const app = await NestFactory.create(AppModule, { bufferLogs: process.env['BUFFER_LOGS'] !== undefined });
const cluster = app.get(ClusterService);
// A request that is meant for another slot is refused undone; the test sends it again. Answers say whose they are.
app.use(({ headers }: Exchange, response: Exchange, next: () => void) => {
  response.setHeader('x-slot', String(cluster.slot));
  const wanted = headers['x-only-slot'];
  if (wanted === undefined || wanted === String(cluster.slot)) next();
  else response.status(421).end();
});
for (const { setUp } of features) await setUp?.(app);
await app.listen(Number(process.env['PORT']));
