import 'reflect-metadata';
/** One decorator on one method: this method handles that event, in this way. */
export interface HandlerBinding {
    /** `'listen'`: one of the event's listeners. `'consume'`: runs tasks of the event. */
    readonly mode: 'listen' | 'consume';
    readonly event: string;
    /** How many tasks of the event may run at once in one worker; undefined: any number. */
    readonly concurrency?: number;
}
/** The bindings of a method in the order its decorators are written, empty for an undecorated one. */
export declare function handlerBindings(method: unknown): readonly HandlerBinding[];
/** Adds a binding to the decorated method; `decorator` is the decorator's name, for the errors. */
export declare function bindHandler(decorator: string, binding: HandlerBinding, target: object, key: string | symbol, descriptor: PropertyDescriptor | undefined): void;
