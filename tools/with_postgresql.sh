#!/bin/sh
# Run a command with TRYGG_DATABASE_URL set to a PostgreSQL server of its own.
#   tools/with_postgresql.sh make test
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
work=$(mktemp -d /tmp/trygg-postgresql.XXXXXX)
port=${TRYGG_TEST_POSTGRESQL_PORT:-55432}

# PostgreSQL refuses to run as root.
as_owner() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}
stop() {
    as_owner "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap stop EXIT INT TERM

if [ "$(id -u)" = 0 ]; then chown postgres "$work"; fi
as_owner "$bin/initdb" -D "$work/data" -U trygg -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
as_owner "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" \
    -o "-p $port -k $work -c listen_addresses=127.0.0.1 -c log_statement=none" start >/dev/null
TRYGG_DATABASE_URL="postgresql://trygg@127.0.0.1:$port/postgres" "$@"
