-- organizations_clear_default, declared in src/domain/upstreams/organization.repository.ts

UPDATE organizations SET is_default = false WHERE is_default;
