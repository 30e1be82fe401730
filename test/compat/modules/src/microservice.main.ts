/** A microservice that is nothing else. */
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions } from '@nestjs/microservices';
import { ClusterModule } from 'nestjs-cluster';
import { clusterOptions } from './cluster.js';
import { SumsModule, transports } from './microservice.js';

@Module({ imports: [ClusterModule.forRoot(clusterOptions), SumsModule] })
class AppModule {}

const transport = transports[process.env['TRANSPORT']!]!;
const app = await NestFactory.createMicroservice<MicroserviceOptions>(
  AppModule,
  transport(Number(process.env['PORT'])),
);
await app.listen();
