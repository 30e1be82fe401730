export * from '../runtime/reload.interface.js';
export * from '../services/reload.service.js';
