import { Body, Delete, Get, HttpCode, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { AccountChanges } from '../../domain/lifecycle/account-changes.service.js';
import { UuidParam } from '../kit/uuid-param.js';
import type { Account } from '../../domain/accounts/account.js';
import { AccountsService } from '../../domain/accounts/accounts.service.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { Operator } from '../kit/admin.guard.js';
import type { Actor } from '../../domain/lifecycle/change-record.js';
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
import { toLogoutResult, toListDto } from './presenters.js';

/** People who can sign in, for operators. Whatever takes a person's access away also ends what they have. */
@AdminController('accounts', 'accounts')
export class AdminAccountsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly changes: AccountChanges,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({ summary: 'Create an account' })
  @ApiCreatedResponse({ type: AccountDto })
  @ApiJsonErrors(400, 409)
  async create(@Body() body: CreateAccountDto, @Operator() operator: Actor): Promise<AccountDto> {
    // A member that is null counts as not sent, as in client metadata.
    const { login, email, claims, password, roles } = body;
    const account = { login, email, claims, password: password ?? undefined, roles: roles ?? undefined };
    return toAccountDto(await this.changes.create(account, operator));
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
    return toListDto(await this.accounts.list(query), toAccountDto);
  }

  @Get(':id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Read an account' })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(404)
  async read(@UuidParam('id', 'account') id: string): Promise<AccountDto> {
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
    @UuidParam('id', 'account') id: string,
    @Body() body: UpdateAccountDto,
    @Operator() operator: Actor,
  ): Promise<AccountDto> {
    const { login, email, claims } = body;
    return toAccountDto(
      await this.changes.update(id, { login: login ?? undefined, email, claims: claims ?? undefined }, operator),
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
  async setRoles(
    @UuidParam('id', 'account') id: string,
    @Body() body: SetRolesDto,
    @Operator() operator: Actor,
  ): Promise<AccountDto> {
    return toAccountDto(await this.changes.setRoles(id, body.roles, operator));
  }

  @Put(':id/password')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Set the password',
    description:
      'Ends every session and every grant of the person, offline ones too: those who knew the old one are out.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(400, 404)
  async setPassword(
    @UuidParam('id', 'account') id: string,
    @Body() body: SetPasswordDto,
    @Operator() operator: Actor,
  ): Promise<LogoutResultDto> {
    return toLogoutResult(await this.changes.changePassword(id, body.password, operator));
  }

  @Post(':id/disable')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Disable the account',
    description: 'It cannot sign in any more; every session and every grant of it ends.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(404)
  async disable(@UuidParam('id', 'account') id: string, @Operator() operator: Actor): Promise<LogoutResultDto> {
    return toLogoutResult(await this.changes.disable(id, operator));
  }

  @Post(':id/enable')
  @HttpCode(200)
  @ApiOperation({ summary: 'Enable the account again', description: 'What was ended stays ended.' })
  @ApiOkResponse({ type: AccountDto })
  @ApiJsonErrors(404)
  async enable(@UuidParam('id', 'account') id: string, @Operator() operator: Actor): Promise<AccountDto> {
    return toAccountDto(await this.changes.enable(id, operator));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete the account',
    description: 'Ends every session and every grant, tells the applications, and forgets the person.',
  })
  @ApiNoContentResponse({ description: 'Gone.' })
  @ApiJsonErrors(404)
  async delete(@UuidParam('id', 'account') id: string, @Operator() operator: Actor): Promise<void> {
    await this.changes.delete(id, operator);
  }
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
