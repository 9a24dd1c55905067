-- organizations_lock_all, declared in src/domain/upstreams/organization.repository.ts

LOCK TABLE organizations IN SHARE ROW EXCLUSIVE MODE;
