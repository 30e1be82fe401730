import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { ClusterIoAdapter } from './cluster-io.adapter.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.useWebSocketAdapter(new ClusterIoAdapter(app));
  await app.listen(process.env.PORT ?? 3000);
}
await bootstrap();
