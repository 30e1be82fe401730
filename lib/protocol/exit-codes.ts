/** Exit code of a worker that exited before it had finished its work. */
export const EXIT_UNFINISHED = 1;

/** Exit code of a configuration error (EX_CONFIG in sysexits.h). Starting the worker again is pointless. */
export const EXIT_CONFIG = 78;
