export * from './1795232930766-CreateSchema.js';
