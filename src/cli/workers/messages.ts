import type { AdminClientCredentials } from '../../domain/clients/first-admin-client.js';

/** What a worker tells the first process. */
export type FromWorker =
  /** It serves. `admin` comes from the one that saw to the first admin client. */
  | { readonly kind: 'ready'; readonly admin?: AdminClientCredentials }
  /** It was asked for the metrics, and needs those of all. */
  | { readonly kind: 'all metrics wanted'; readonly id: number }
  /** Its own, as `prom-client` hands them over. */
  | { readonly kind: 'own metrics'; readonly round: number; readonly metrics: object[] };

/** What the first process tells a worker. */
export type FromFirst =
  | { readonly kind: 'stop' }
  | { readonly kind: 'own metrics wanted'; readonly round: number }
  | { readonly kind: 'all metrics'; readonly id: number; readonly text: string };
