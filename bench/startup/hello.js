import { Controller, Get, Module } from '@nestjs/common';
import { decorateClass, decorateMethod } from '../shared/decorate.js';

class HelloController {
  hello() {
    return { pid: process.pid };
  }
}
decorateMethod(HelloController, 'hello', Get());
decorateClass(HelloController, [], Controller());

/** The smallest Nest app that answers over HTTP; `imports` is where it becomes a cluster, if it does. */
export function helloModule(imports) {
  class AppModule {}
  return decorateClass(AppModule, [], Module({ imports, controllers: [HelloController] }));
}
