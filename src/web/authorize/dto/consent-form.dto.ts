import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { FormDto } from '../../kit/dto/forms.dto.js';

export class ConsentFormDto extends FormDto {
  @ApiProperty({ enum: ['allow', 'deny'] })
  @IsIn(['allow', 'deny'])
  readonly decision: 'allow' | 'deny';
}
