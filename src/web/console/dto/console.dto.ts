import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { FormDto } from '../../kit/dto/forms.dto.js';

export class ConsoleClientFormDto extends FormDto {
  @ApiPropertyOptional({ example: 'exeunt-admin' })
  @IsOptional()
  @IsString()
  @MaxLength(300)
  readonly client_id?: string;

  @ApiPropertyOptional({ format: 'password' })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  readonly client_secret?: string;
}

export class OverviewQueryDto {
  /** The id of the last termination of the page before. */
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly before?: string;
}
