import { Module } from '@nestjs/common';
import { loadNoteSettings, NOTE_SETTINGS } from './note-settings.js';
import { NoteRepository } from './note.repository.js';
import { NotesController } from './notes.controller.js';

@Module({
  controllers: [NotesController],
  providers: [
    NoteRepository,
    { provide: NOTE_SETTINGS, useFactory: () => loadNoteSettings({ MAX_NOTE_LENGTH: '20' }) },
  ],
})
export class NotesModule {}
