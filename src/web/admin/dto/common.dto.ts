import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min } from 'class-validator';

/** Which page of a list. */
export class PageQueryDto {
  /** How many at most. */
  @ApiPropertyOptional({ default: 50, minimum: 1, maximum: 200 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  readonly limit: number = 50;
}

/** A page of a list whose cursor is a UUID. */
export class UuidPageQueryDto extends PageQueryDto {
  /** `next_cursor` of the page before. */
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly cursor?: string;
}

/** A searchable list. */
export class SearchQueryDto extends PageQueryDto {
  /** `next_cursor` of the page before. */
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly cursor?: string;

  /** What to look for. */
  @ApiPropertyOptional({ example: 'ledger' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly search?: string;
}
