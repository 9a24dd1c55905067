import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { LiveStreams } from '../web/kit/live-streams.js';

const IDLE_CHECK_MS = 50;

/**
 * Stops in the order in which things depend on each other: no new requests, those under way are answered, notices that
 * are being sent are finished (up to the limit), the pool is closed, and Postgres goes last.
 */
export async function stopGracefully(
  app: INestApplication,
  limitMs: number,
  stopDatabase: () => Promise<void> | undefined,
): Promise<void> {
  app.get(LiveStreams).stop();
  await drained(app.getHttpServer() as Server, limitMs);
  await app.close();
  await stopDatabase();
}

async function drained(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  // A connection that is kept alive becomes idle only when its answer is sent, and would hold us up until the limit.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cutOff = setTimeout(() => server.closeAllConnections(), limitMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cutOff);
}
