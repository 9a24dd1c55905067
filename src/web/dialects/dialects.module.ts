import { Module, type DynamicModule, type ExceptionFilter, type OnModuleInit, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { RegistrableValues } from '../../domain/clients/ports/registrable-values.js';
import { TerminationCauses } from '../../domain/logout/command/termination-causes.js';
import { LogoutDialects } from '../../domain/upstreams/ports/logout-dialects.js';
import { EdgeFallbacks } from '../kit/edge-fallbacks.js';
import { Dialects, type DialectDescriptor } from './dialect.js';

/**
 * The dialects, and what the domain has to know of them: their names and their causes. Global, since clients, upstreams and
 * the logout ask for these without knowing that there are dialects.
 */
@Module({})
export class DialectsModule implements OnModuleInit {
  constructor(
    private readonly dialects: Dialects,
    private readonly fallbacks: EdgeFallbacks,
    private readonly modules: ModuleRef,
  ) {}

  static with(list: readonly DialectDescriptor[]): DynamicModule {
    const dialects = new Dialects(list);
    const causes = new TerminationCauses(dialects.causes);
    const values: RegistrableValues = { terminationCauses: causes.names, permissions: dialects.permissions };
    return {
      module: DialectsModule,
      global: true,
      imports: [modulesOf(list)],
      providers: [
        { provide: Dialects, useValue: dialects },
        { provide: LogoutDialects, useValue: dialects },
        { provide: TerminationCauses, useValue: causes },
        { provide: RegistrableValues, useValue: values },
      ],
      exports: [Dialects, LogoutDialects, TerminationCauses, RegistrableValues],
    };
  }

  /** Unknown paths, wrong methods and bodies that cannot be read are answered in the dialect's words too. */
  onModuleInit(): void {
    for (const { errors, paths } of this.dialects.list) {
      if (errors === undefined) continue;
      const filter = this.modules.get<ExceptionFilter>(errors, { strict: false });
      for (const path of paths) this.fallbacks.register(path, filter);
    }
  }
}

/**
 * The dialects' modules, as the imports of a class. Those of a dynamic module would all be inserted before what they import,
 * and the paths in the API document have that order.
 */
function modulesOf(list: readonly DialectDescriptor[]): Type {
  const modules = class DialectModules {};
  Module({ imports: list.map(({ module }) => module) })(modules);
  return modules;
}
