export * from './1795230088534-CreateSchema.js';
