import { Body, Get, HttpCode, Inject, Post, UsePipes } from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import type { SignedInSession } from '../../../src/domain/sessions/session.js';
import { TransactionRunner } from '../../../src/platform/database/transaction.js';
import { type Browser, CurrentBrowser } from '../../../src/web/kit/browser.js';
import { ApiPage, ApiSeeOther } from '../../../src/web/kit/api-errors.js';
import { FormDto } from '../../../src/web/kit/dto/forms.dto.js';
import { formPage, redirect, type HttpResponse } from '../../../src/web/kit/http-response.js';
import { PageController } from '../../../src/web/kit/page-controller.js';
import { OAuthParametersPipe } from '../../../src/web/kit/parameters.pipe.js';
import { accountView } from '../../../src/web/pages/session-view.js';
import { NOTE_SETTINGS, type NoteSettings } from './note-settings.js';
import { NoteRepository } from './note.repository.js';
import { renderNotesPage, type NotesView } from './notes.page.js';

class NoteFormDto extends FormDto {
  @IsString()
  readonly text: string;
}

@ApiTags('Notes')
@PageController('toy/notes')
export class NotesController {
  constructor(
    private readonly notes: NoteRepository,
    private readonly transactions: TransactionRunner,
    @Inject(NOTE_SETTINGS) private readonly settings: NoteSettings,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'Your notes' })
  @ApiPage(200, 'The notes, and a form for one more.')
  @ApiSeeOther('To the front page, where no person is signed in.')
  async show(@CurrentBrowser() browser: Browser): Promise<HttpResponse> {
    const session = await browser.session();
    return session === undefined ? redirect('/') : this.page(browser, session);
  }

  @Post()
  @HttpCode(303)
  @UsePipes(OAuthParametersPipe)
  @ApiOperation({ summary: 'Leave a note' })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiSeeOther('Back to the notes.')
  @ApiPage(400, 'The note is too long. Nothing changed.')
  @ApiPage(403, 'The form was not opened in this browser. Nothing changed.')
  async leave(@Body() form: NoteFormDto, @CurrentBrowser() sent: Browser): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, { url: '/toy/notes', label: 'Show the notes again' });
    const session = await browser.session();
    if (session === undefined) return redirect('/');
    const limit = this.settings.maxNoteLength;
    if (form.text.length > limit) return this.page(browser, session, { code: 'too_long', limit });
    await this.transactions.run((tx) => this.notes.leave(tx, session.accountId, form.text));
    return redirect('/toy/notes');
  }

  private async page(
    browser: Browser,
    session: SignedInSession,
    problem?: NotesView['problem'],
  ): Promise<HttpResponse> {
    const view = { account: accountView(session), notes: await this.notes.list(session.accountId), problem };
    return formPage(browser, renderNotesPage, view, { status: problem === undefined ? 200 : 400 });
  }
}
