/** `@decorator` on a method, for files that are run without a compiler. */
export function decorateMethod(type, method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, method);
  for (const decorator of decorators.toReversed()) decorator(type.prototype, method, descriptor);
}

/** `@decorator` on a class whose constructor takes `parameters`. */
export function decorateClass(type, parameters, ...decorators) {
  Reflect.defineMetadata('design:paramtypes', parameters, type);
  for (const decorator of decorators.toReversed()) decorator(type);
  return type;
}
