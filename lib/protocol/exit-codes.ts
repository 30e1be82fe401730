/** Exit code of a worker that left without having finished. */
export const EXIT_UNFINISHED = 1;

/** Exit code of a configuration error (EX_CONFIG in sysexits.h): to start the worker again is pointless. */
export const EXIT_CONFIG = 78;
