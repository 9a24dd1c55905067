import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';

/** Each of our forms carries it. */
export class FormDto {
  /** From the page; bound to the browser. */
  @ApiProperty()
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly csrf?: string;
}

/**
 * No limits here: what is too long is answered by the form itself ({@link isTooLong}), with which a person can
 * continue.
 */
export class SignInFormDto extends FormDto {
  @ApiPropertyOptional({ example: 'mia@example.com' })
  @IsOptional()
  @IsString()
  readonly login?: string;

  @ApiPropertyOptional({ format: 'password' })
  @IsOptional()
  @IsString()
  readonly password?: string;
}

/** Longer than any login or password that an account here can have. The form says so; nothing is looked up or hashed. */
export function isTooLong({ login = '', password = '' }: SignInFormDto): boolean {
  return login.length > 320 || password.length > 1000;
}
