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
import type { Account } from '../accounts/account.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { checkedClaims } from '../accounts/claims-check.js';
import { Clock } from '../database/clock.js';
import { ApiJsonErrors } from '../http/api-errors.js';
import { JsonErrorFilter } from '../http/json-error.filter.js';
import { StrictJsonPipe } from '../http/parameters.pipe.js';
import type { TerminationCause } from '../logout/logout.js';
import { LogoutService, type Alongside } from '../logout/logout.service.js';
import { AdminGuard, OperatorClientId } from './admin.guard.js';
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
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({ summary: 'Create an account' })
  @ApiCreatedResponse({ type: AccountDto })
  @ApiJsonErrors(400, 409)
  async create(@Body() body: CreateAccountDto): Promise<AccountDto> {
    return toAccountDto(
      await this.accounts.create({
        login: body.login,
        claims: claimsOf(body),
        ...(body.password === undefined ? {} : { password: body.password }),
        ...(body.roles === undefined ? {} : { roles: body.roles }),
      }),
    );
  }

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'List accounts', description: 'Newest first. `search` is the beginning of a login.' })
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
    description: '`claims` replaces all of them; `email` alone changes only that.',
  })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(400, 404)
  async update(@Param('id') id: string, @Body() body: UpdateAccountDto): Promise<AccountDto> {
    const { claims } = await this.accounts.get(id);
    const next = claimsOf({
      claims: body.claims ?? claims,
      ...(body.email === undefined ? {} : { email: body.email }),
    });
    return toAccountDto(await this.accounts.replaceClaims(id, next));
  }

  @Put(':id/roles')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Set the roles',
    description: 'Replaces all of them. `operator` opens `/console`. It counts from the next request on, either way.',
  })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(400, 404)
  async setRoles(@Param('id') id: string, @Body() body: SetRolesDto): Promise<AccountDto> {
    return toAccountDto(await this.accounts.setRoles((await this.accounts.get(id)).id, body.roles));
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
    @OperatorClientId() operator: string,
  ): Promise<LogoutResultDto> {
    const { id: accountId } = await this.accounts.get(id);
    const passwordHash = await this.accounts.hashPassword(body.password);
    return this.endEverything(accountId, 'password_changed', operator, {
      before: async (tx) => {
        await this.accounts.setPasswordHash(tx, accountId, passwordHash);
        await this.accounts.endEverythingBefore(tx, accountId, this.clock.now());
      },
    });
  }

  @Post(':id/disable')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Disable the account',
    description: 'Nobody signs in with it; every session and every grant of it ends.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(404)
  async disable(@Param('id') id: string, @OperatorClientId() operator: string): Promise<LogoutResultDto> {
    const { id: accountId } = await this.accounts.get(id);
    return this.endEverything(accountId, 'account_disabled', operator, {
      before: async (tx) => {
        await this.accounts.disable(tx, accountId);
        await this.accounts.endEverythingBefore(tx, accountId, this.clock.now());
      },
    });
  }

  @Post(':id/enable')
  @HttpCode(200)
  @ApiOperation({ summary: 'Enable the account again', description: 'What was ended stays ended.' })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(404)
  async enable(@Param('id') id: string): Promise<AccountDto> {
    return toAccountDto(await this.accounts.enable((await this.accounts.get(id)).id));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete the account',
    description: 'Ends every session and every grant, tells the applications, and forgets the person.',
  })
  @ApiNoContentResponse({ description: 'Gone.' })
  @ApiJsonErrors(404)
  async delete(@Param('id') id: string, @OperatorClientId() operator: string): Promise<void> {
    const { id: accountId } = await this.accounts.get(id);
    await this.endEverything(accountId, 'account_deleted', operator, {
      after: (tx) => this.accounts.delete(tx, accountId),
    });
  }

  private async endEverything(
    accountId: string,
    cause: TerminationCause,
    operator: string,
    alongside: Alongside,
  ): Promise<LogoutResultDto> {
    const outcome = await this.logoutService.logout(
      { target: { kind: 'account', accountId }, cause, initiator: { kind: 'operator', clientId: operator } },
      alongside,
    );
    return toLogoutResult(outcome);
  }
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
