// Stands for the applications' back-channel logout endpoints, in a process whose CPU is nobody's. It counts what came
// for each path below /notice/, and says the numbers at /counts.
import { createServer } from 'node:http';

const counts = {};
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const [, kind, name] = request.url.split('/');
    if (kind === 'notice') counts[name] = (counts[name] ?? 0) + 1;
    response.setHeader('Cache-Control', 'no-store');
    response.end(kind === 'counts' ? JSON.stringify(counts) : '');
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.stdout.write('ready\n'));
process.on('SIGTERM', () => process.exit(0));
