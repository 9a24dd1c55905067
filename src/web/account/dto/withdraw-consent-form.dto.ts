import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { FormDto } from '../../kit/dto/forms.dto.js';

export class WithdrawConsentFormDto extends FormDto {
  /** The application that is to have no access any more. */
  @ApiProperty({ example: 'ledger' })
  @IsString()
  @MaxLength(255)
  readonly client_id: string;
}
