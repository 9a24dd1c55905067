import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Account } from '../../domain/accounts/account.js';
import { AccountsService, type AccountChanged } from '../../domain/accounts/accounts.service.js';
import { checkedClaims } from '../../domain/accounts/claims-check.js';
import { Clock } from '../../platform/clock/clock.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import type { TerminationCause } from '../../domain/logout/command/logout.js';
import { LogoutService, type Alongside } from '../../domain/logout/command/logout.service.js';
import { AdminGuard, Operator } from '../kit/admin.guard.js';
import {
  ChangeRecord,
  type Actor,
  type Change,
  type RecordChange,
  type Values,
} from '../../domain/lifecycle/change-record.js';
import {
  AccountDto,
  AccountListDto,
  CreateAccountDto,
  SetPasswordDto,
  SetRolesDto,
  UpdateAccountDto,
} from './dto/accounts.dto.js';
import { SearchQueryDto } from './dto/common.dto.js';
import { LogoutResultDto } from './dto/logout.dto.js';
import { toLogoutResult } from './presenters.js';

/** People who can sign in, for operators. Whatever takes a person's access away also ends what they have. */
@ApiTags('Admin: accounts')
@ApiBearerAuth('admin')
@Controller('admin/v1/accounts')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@UsePipes(StrictJsonPipe)
@ApiJsonErrors(401, 403)
export class AdminAccountsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly logoutService: LogoutService,
    private readonly clock: Clock,
    private readonly record: ChangeRecord,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({ summary: 'Create an account' })
  @ApiCreatedResponse({ type: AccountDto })
  @ApiJsonErrors(400, 409)
  async create(@Body() body: CreateAccountDto, @Operator() operator: Actor): Promise<AccountDto> {
    const account = {
      login: body.login,
      claims: claimsOf(body),
      // A member that is null counts as not sent, as in client metadata.
      ...(typeof body.password === 'string' ? { password: body.password } : {}),
      ...(Array.isArray(body.roles) ? { roles: body.roles } : {}),
    };
    const change = { event: 'account_changed', change: 'created', subject: {} } as const;
    return toAccountDto(
      await this.record.of(operator, change, (record) => this.accounts.create(account, recorded(record))),
    );
  }

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'List accounts',
    description: 'Newest first. `search` is the beginning of a login or of an e-mail address.',
  })
  @ApiOkResponse({ type: AccountListDto })
  @ApiJsonErrors(400)
  async list(@Query() query: SearchQueryDto): Promise<AccountListDto> {
    const page = await this.accounts.list(query);
    return {
      items: page.items.map(toAccountDto),
      ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
    };
  }

  @Get(':id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Read an account' })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(404)
  async read(@Param('id') id: string): Promise<AccountDto> {
    return toAccountDto(await this.accounts.get(id));
  }

  @Patch(':id')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Change what is known about the person',
    description:
      '`claims` replaces all of them; `email` alone changes only that. `login` is what the person types from now on.',
  })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(400, 404, 409)
  async update(
    @Param('id') id: string,
    @Body() body: UpdateAccountDto,
    @Operator() operator: Actor,
  ): Promise<AccountDto> {
    const { claims } = await this.accounts.get(id);
    const next = claimsOf({
      claims: body.claims ?? claims,
      ...(body.email === undefined ? {} : { email: body.email }),
    });
    return toAccountDto(
      await this.record.of(operator, changeOf('claims_set', id), (record) =>
        this.accounts.update(id, { login: body.login ?? undefined, claims: next }, recorded(record)),
      ),
    );
  }

  @Put(':id/roles')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Set the roles',
    description: 'Replaces all of them. `operator` opens `/console`. It counts from the next request on, either way.',
  })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(400, 404)
  async setRoles(@Param('id') id: string, @Body() body: SetRolesDto, @Operator() operator: Actor): Promise<AccountDto> {
    const { id: accountId } = await this.accounts.get(id);
    return toAccountDto(
      await this.record.of(operator, changeOf('roles_set', accountId), (record) =>
        this.accounts.setRoles(accountId, body.roles, recorded(record)),
      ),
    );
  }

  @Put(':id/password')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Set the password',
    description: 'Ends every session and every grant of the person, offline ones too: whoever knew the old one is out.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(400, 404)
  async setPassword(
    @Param('id') id: string,
    @Body() body: SetPasswordDto,
    @Operator() operator: Actor,
  ): Promise<LogoutResultDto> {
    const account = await this.accounts.get(id);
    const accountId = account.id;
    const passwordHash = await this.accounts.hashPassword(body.password, account);
    return this.record.of(operator, changeOf('password_set', accountId), (record) =>
      this.endEverything(accountId, 'password_changed', operator, {
        before: async (tx) => {
          await this.accounts.setPasswordHash(tx, accountId, passwordHash);
          await this.accounts.endEverythingBefore(tx, accountId, this.clock.now());
          await record(tx);
        },
      }),
    );
  }

  @Post(':id/disable')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Disable the account',
    description: 'Nobody signs in with it; every session and every grant of it ends.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(404)
  async disable(@Param('id') id: string, @Operator() operator: Actor): Promise<LogoutResultDto> {
    const { id: accountId } = await this.accounts.get(id);
    return this.record.of(operator, changeOf('disabled', accountId), (record) =>
      this.endEverything(accountId, 'account_disabled', operator, {
        before: async (tx) => {
          await this.accounts.disable(tx, accountId);
          await this.accounts.endEverythingBefore(tx, accountId, this.clock.now());
          await record(tx);
        },
      }),
    );
  }

  @Post(':id/enable')
  @HttpCode(200)
  @ApiOperation({ summary: 'Enable the account again', description: 'What was ended stays ended.' })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(404)
  async enable(@Param('id') id: string, @Operator() operator: Actor): Promise<AccountDto> {
    const { id: accountId } = await this.accounts.get(id);
    return toAccountDto(
      await this.record.of(operator, changeOf('enabled', accountId), (record) =>
        this.accounts.enable(accountId, recorded(record)),
      ),
    );
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete the account',
    description: 'Ends every session and every grant, tells the applications, and forgets the person.',
  })
  @ApiNoContentResponse({ description: 'Gone.' })
  @ApiJsonErrors(404)
  async delete(@Param('id') id: string, @Operator() operator: Actor): Promise<void> {
    const { id: accountId } = await this.accounts.get(id);
    await this.record.of(operator, changeOf('deleted', accountId), (record) =>
      this.endEverything(accountId, 'account_deleted', operator, {
        after: async (tx) => {
          await this.accounts.delete(tx, accountId);
          await record(tx);
        },
      }),
    );
  }

  private async endEverything(
    accountId: string,
    cause: TerminationCause,
    operator: Actor,
    alongside: Alongside,
  ): Promise<LogoutResultDto> {
    const outcome = await this.logoutService.logout(
      { target: { kind: 'account', accountId }, cause, initiator: { kind: 'operator', clientId: operator.clientId } },
      alongside,
    );
    return toLogoutResult(outcome);
  }
}

function changeOf(change: string, accountId: string): Change {
  return { event: 'account_changed', change, subject: { account_id: accountId } };
}

/** What the record keeps of an account: nothing that says who it is, since the record outlives the person's data. */
function recorded(record: RecordChange): AccountChanged {
  return (tx, before, after) =>
    record(tx, before === undefined ? {} : valuesOf(before), {
      ...valuesOf(after),
      ...changedClaims(before?.claims ?? {}, after.claims),
      ...(before === undefined || before.login === after.login ? {} : { login_changed: true }),
    });
}

function valuesOf({ id, roles, disabledAt }: Account): Values {
  return { account_id: id, roles: roles.join(' '), disabled: disabledAt !== null };
}

/** The names of the claims that differ, which say what was changed and not to what. */
function changedClaims(before: Account['claims'], after: Account['claims']): Values {
  const names = Object.keys({ ...before, ...after }).filter(
    (name) => name !== 'updated_at' && JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  return names.length === 0 ? {} : { claims_changed: names.sort().join(' ') };
}

function claimsOf(body: {
  readonly email?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}): Record<string, unknown> {
  return checkedClaims({ ...body.claims, ...(body.email === undefined ? {} : { email: body.email }) });
}

function toAccountDto(account: Account): AccountDto {
  const { email } = account.claims;
  return {
    id: account.id,
    login: account.login,
    ...(typeof email === 'string' ? { email } : {}),
    claims: account.claims,
    roles: [...account.roles],
    has_password: account.hasPassword,
    disabled: account.disabledAt !== null,
    created_at: account.createdAt.toISOString(),
    updated_at: account.updatedAt.toISOString(),
  };
}
