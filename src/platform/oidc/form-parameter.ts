import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsDefined, IsOptional, IsString, MaxLength } from 'class-validator';

export interface FormParameterOptions {
  /** Refused as "`name` is required." when it is missing. Default: it may be left out. */
  readonly required?: boolean;
  readonly maxLength: number;
  readonly description?: string;
  readonly example?: string;
  /** Only described: the check is a decorator of its own, with words that fit. */
  readonly pattern?: string;
}

/**
 * One parameter of a form: a string that is sent once and has a bounded length (RFC 6749 §3.2). What is checked and what
 * the OpenAPI document says come from this one line.
 */
export function FormParameter({ required = false, ...described }: FormParameterOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ ...described, type: String, required }),
    required ? IsDefined({ message: '$property is required' }) : IsOptional(),
    IsString(),
    MaxLength(described.maxLength),
  );
}
