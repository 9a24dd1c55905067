#!/bin/sh
# Writes what depends on the environment to a file system in memory, then becomes PgBouncer. No password is in a file of the image.
set -eu
: "${EXEUNT_DATABASE_PASSWORD:?set EXEUNT_DATABASE_PASSWORD}"
directory=${PGBOUNCER_RUN_DIRECTORY:-/run/pgbouncer}
umask 077
# Its lines continue the section that the included file ends with: PgBouncer forgets what a section said when it begins again.
# A quote in the password is doubled, as PgBouncer reads it.
printf '"exeunt" "%s"\n' "$(printf %s "$EXEUNT_DATABASE_PASSWORD" | sed 's/"/""/g')" >"$directory/userlist.txt"
cat >"$directory/pgbouncer.ini" <<INI
[databases]
exeunt = host=${POSTGRES_HOST:-haproxy} port=${POSTGRES_PORT:-5000} dbname=exeunt
%include ${PGBOUNCER_CONFIG:-/etc/pgbouncer/pgbouncer.ini}
listen_addr = ${PGBOUNCER_HOST:-0.0.0.0}
listen_port = ${PGBOUNCER_PORT:-6432}
auth_file = $directory/userlist.txt
unix_socket_dir =
INI
exec "${PGBOUNCER:-/usr/sbin/pgbouncer}" "$directory/pgbouncer.ini"
