#!/bin/sh
# Run once by Patroni, on the first primary: the role and the database of the service. Patroni gives the connection as $1.
# The password comes from the environment and is quoted by psql. No superuser, and no rights on other databases.
#
# Everything but endings is committed without waiting for a replica: LOGOUT_DURABILITY=replicated asks for that where it counts.
# Leave the second statement out to have every commit wait.
# The time limits are those that the service sets itself where it may: through a pooler that shares sessions it cannot.
set -eu
: "${EXEUNT_DATABASE_PASSWORD:?set EXEUNT_DATABASE_PASSWORD}"
psql --no-psqlrc --set ON_ERROR_STOP=1 --set "password=$EXEUNT_DATABASE_PASSWORD" "$1" <<'SQL'
CREATE ROLE exeunt LOGIN PASSWORD :'password';
ALTER ROLE exeunt SET synchronous_commit = local;
ALTER ROLE exeunt SET statement_timeout = '15s';
ALTER ROLE exeunt SET lock_timeout = '5s';
ALTER ROLE exeunt SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE exeunt SET max_parallel_workers_per_gather = 0;
CREATE DATABASE exeunt OWNER exeunt;
SQL
