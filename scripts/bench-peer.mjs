// The provider that the benchmark compares with: oidc-provider with its in-memory store, as a program of its own.
import { Provider } from 'oidc-provider';

const { PORT, BENCH_ID, BENCH_SECRET } = process.env;
const provider = new Provider(`http://localhost:${PORT}`, {
  clients: [
    {
      client_id: BENCH_ID,
      client_secret: BENCH_SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: false },
  },
});
const server = provider.listen(Number(PORT), () => process.stdout.write('ready\n'));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
