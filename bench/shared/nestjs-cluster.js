/**
 * The package as it was built. By path, not by name: Nest has to come from the same node_modules for the
 * package and for the apps here, and a copy of its own under bench/ would be a second one.
 */
export * from '../../dist/index.js';
