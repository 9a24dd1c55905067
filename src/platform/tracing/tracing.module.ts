import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import { Tracing } from './tracing.js';

/** Traces, where the settings ask for them. Only then the SDK is imported. */
@Global()
@Module({
  providers: [{ provide: Tracing, inject: [SETTINGS], useFactory: tracingOf }],
  exports: [Tracing],
})
export class TracingModule implements OnApplicationShutdown {
  constructor(
    private readonly tracing: Tracing,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** What has ended is sent, if that takes no longer than a shutdown may. */
  async onApplicationShutdown(): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, this.settings.shutdownTimeoutMs).unref());
    await Promise.race([this.tracing.stop(), limit]);
  }
}

async function tracingOf({ tracing }: Settings): Promise<Tracing> {
  if (tracing === undefined) return new Tracing();
  const { openTelemetry } = await import('./open-telemetry.js');
  return new Tracing(openTelemetry(tracing), tracing.propagates);
}
