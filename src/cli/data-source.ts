import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../platform/database/data-source-options.js';
import { ENTITIES } from '../entities.js';

/** For the TypeORM command line (`npm run migration:generate`); the service makes its own. */
export default new DataSource(
  dataSourceOptions(process.env.DATABASE_DIRECT_URL ?? process.env.DATABASE_URL ?? '', 2, ENTITIES),
);
