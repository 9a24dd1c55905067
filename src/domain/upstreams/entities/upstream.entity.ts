import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { UpstreamConfiguration } from '../upstream-registration.js';

/** Another OpenID Provider, as an operator registered it. */
@Entity('upstreams')
@Index('upstreams_name_key', ['name'], { unique: true })
@Index('upstreams_issuer_client_id_key', ['issuer', 'clientId'], { unique: true })
export class UpstreamEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'upstreams_pkey' })
  id: string;

  @Column('text')
  name: string;

  @Column('text')
  issuer: string;

  @Column('text', { name: 'client_id' })
  clientId: string;

  /** Sealed: it must be shown to the upstream, so a hash would not do. */
  @Column('text', { name: 'client_secret', nullable: true })
  clientSecret: string | null;

  @Column('jsonb')
  configuration: UpstreamConfiguration;

  /** What it published last, so that a node that starts while it is down still knows where its endpoints are. */
  @Column('jsonb', { nullable: true })
  metadata: Record<string, unknown> | null;

  @Column('timestamptz', { name: 'metadata_at', nullable: true })
  metadataAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
