import type { TestDatabase } from '../support/database.js';
import { PERSON_TABLES } from '../support/partitions.js';
import type { PlanNode, Reading } from './page-reader.js';

/** Partitions of one remainder hold the same persons, whatever the table. */
type Remainder = string;

/** By name. */
export type Partitions = ReadonlyMap<string, Remainder>;

/** Of the tables of a person. */
export async function partitionsOf(db: Pick<TestDatabase, 'query'>): Promise<Partitions> {
  const rows = await db.query<{ name: string; remainder: Remainder }>(
    `SELECT c.relname AS name, substring(c.relname FROM '[0-9]+$') AS remainder FROM pg_inherits i
       JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = ANY ($1::regclass[])`,
    [PERSON_TABLES],
  );
  return new Map(rows.map(({ name, remainder }) => [name, remainder]));
}

/** The partitions that a plan scans, or has scanned where it was run. */
export function scannedIn(plan: PlanNode, partitions: Partitions): string[] {
  const { 'Relation Name': name, 'Actual Loops': loops = 1, Plans: below = [] } = plan;
  const own = name !== undefined && loops > 0 && partitions.has(name) ? [name] : [];
  return [...own, ...below.flatMap((node) => scannedIn(node, partitions))];
}

export function remaindersOf(names: readonly string[], partitions: Partitions): Set<Remainder> {
  return new Set(names.flatMap((name) => partitions.get(name) ?? []));
}

/**
 * What a statement scanned, and what it touched besides: by triggers, such as those of foreign keys, and where it wrote. Pages
 * of indexes are not asked: a plan that is made anew meanwhile looks at each of them.
 */
export function touchedBy(reading: Reading, partitions: Partitions): string[] {
  return [
    ...scannedIn(reading.plan, partitions),
    ...Object.keys(reading.pagesBy).filter((name) => partitions.has(name)),
  ];
}

/**
 * Scans of several partitions of a table for one look-up, as texts: the nodes that gathered rows of partitions more often than
 * they were asked for rows.
 */
export function scansOfMany(plan: PlanNode, partitions: Partitions): string[] {
  const { 'Actual Loops': asked = 0, Plans: below = [] } = plan;
  const scans = below.filter(({ 'Relation Name': name }) => name !== undefined && partitions.has(name));
  const looks = scans.reduce((sum, { 'Actual Loops': loops = 0 }) => sum + loops, 0);
  const own =
    looks > Math.max(asked, 1) ? [`${looks} scans of ${scans[0]?.['Relation Name']} and others for ${asked}`] : [];
  return [...own, ...below.flatMap((node) => scansOfMany(node, partitions))];
}
