/** What the package uses of a Nest application of any sort (HTTP, microservice, plain context). */
export interface HostApplication {
    get<T>(token: unknown, options: {
        strict: false;
    }): T;
    close(): Promise<void>;
    /** Only of HTTP applications. */
    getHttpServer?(): unknown;
}
/**
 * The one place that touches Nest's inside: Nest tells nobody when the last bootstrap hook of an
 * application is done, nor hands the application to its modules, and `enableShutdownHooks()` would close
 * a worker at a signal that is meant for the primary. All three kinds of application inherit these two
 * methods (Nest 11 and 12).
 *
 * @param onBootstrapped called with each application after its last bootstrap hook
 */
export declare function watchApplications(onBootstrapped: (app: HostApplication) => void): void;
