import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';

/** Every form of ours carries it. */
export class FormDto {
  /** From the page; bound to the browser. */
  @ApiProperty()
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly csrf?: string;
}

export class SignInFormDto extends FormDto {
  @ApiPropertyOptional({ example: 'mia@example.com' })
  @IsOptional()
  @IsString()
  @MaxLength(300)
  readonly login?: string;

  @ApiPropertyOptional({ format: 'password' })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  readonly password?: string;
}

export class ConsentFormDto extends FormDto {
  @ApiProperty({ enum: ['allow', 'deny'] })
  @IsIn(['allow', 'deny'])
  readonly decision: 'allow' | 'deny';
}
