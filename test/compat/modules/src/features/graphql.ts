import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { Args, GraphQLModule, Int, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { PubSub } from 'graphql-subscriptions';
import { MessengerService, OnClusterEvent } from 'nestjs-cluster';
import type { Feature } from '../feature.js';

/** In this worker's memory. */
const pubSub = new PubSub();

@Resolver()
class NewsResolver {
  constructor(private readonly messenger: MessengerService) {}

  @Query(() => Int)
  who() {
    return process.pid;
  }

  @Mutation(() => Int)
  async say(@Args('text') text: string) {
    await this.messenger.broadcast('graphql.news', text);
    return process.pid;
  }

  @Mutation(() => Int)
  async sayHere(@Args('text') text: string) {
    await this.publish(text);
    return process.pid;
  }

  @Subscription(() => String)
  news() {
    return pubSub.asyncIterableIterator('news');
  }

  @OnClusterEvent('graphql.news')
  publish(text: string) {
    return pubSub.publish('news', { news: text });
  }
}

@Module({
  imports: [
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      playground: false,
      subscriptions: { 'graphql-ws': true },
    }),
  ],
  providers: [NewsResolver],
})
class NewsModule {}

export const feature: Feature = { module: NewsModule };
