# shellcheck shell=bash
# The private PostgreSQL and Redis of one SOUK_HOME: start, stop, where they are. Sourced.
# They listen on Unix sockets only and never run as root.

POSTGRES_BIN=${POSTGRES_BIN:-/usr/lib/postgresql/15/bin}
ENGINES_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# as_owner USER COMMAND...: as that user when we are root, else as ourselves; a clean
# environment, because PGDATA and the like in the caller's would mislead the servers.
as_owner() {
    local user=$1
    shift
    (
        exec 9>&- # the launcher's lock must not live on in a server
        cd /
        if am_root; then
            exec env -i PATH=/usr/bin:/bin LANG=C.UTF-8 \
                setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
        fi
        exec env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="${HOME:-/}" "$@"
    )
}

# engine_paths: sets DATA_HOME, RUNTIME and all that follows from SOUK_HOME.
engine_paths() {
    local hash
    hash=$(short_hash "$SOUK_HOME")
    DATA_HOME=$SOUK_HOME
    if [ -s "$SOUK_HOME/data-folder" ]; then
        DATA_HOME=$(cat "$SOUK_HOME/data-folder")
    fi
    # The path of a Unix socket ends at 107 bytes, so sockets live in a folder of their own.
    if am_root; then RUNTIME=/run/souk-$hash; else RUNTIME=/tmp/souk-$(id -u)-$hash; fi
    PG_DATA=$DATA_HOME/postgres
    PG_LOG=$SOUK_HOME/log/postgres.log
    PG_SOCKETS=$RUNTIME/pg
    REDIS_DATA=$DATA_HOME/redis
    REDIS_LOG=$REDIS_DATA/redis.log
    REDIS_SOCKET=$RUNTIME/redis/redis.sock
    PRIVATE_POSTGRES_URL="postgresql://souk@/postgres?host=$PG_SOCKETS&port=5432"
    PRIVATE_REDIS_URL="unix://$REDIS_SOCKET"
}

# Where the servers' users cannot enter SOUK_HOME, the data goes where they can.
choose_data_folder() {
    am_root && [ ! -s "$SOUK_HOME/data-folder" ] || return 0
    if as_owner postgres test -x "$SOUK_HOME" && as_owner redis test -x "$SOUK_HOME"; then return 0; fi
    printf '%s\n' "/var/lib/souk-$(short_hash "$SOUK_HOME")" >"$SOUK_HOME/data-folder"
    engine_paths
    say "the users postgres and redis cannot enter $SOUK_HOME, so the databases are kept in $DATA_HOME"
}

# own_folder FOLDER USER: ours alone, never a link that somebody else laid.
own_folder() {
    [ ! -L "$1" ] || fail "$1 is a symbolic link; remove it"
    mkdir -p "$1" 2>/dev/null && [ -O "$1" ] || am_root ||
        fail "$1 belongs to somebody else: Souk was started here as another user"
    if am_root; then chown "$2:$2" "$1"; fi
    chmod 0700 "$1" || fail "cannot set the mode of $1"
}

prepare_runtime() {
    [ ! -L "$RUNTIME" ] || fail "$RUNTIME is a symbolic link; remove it"
    mkdir -p "$RUNTIME" 2>/dev/null && [ -O "$RUNTIME" ] || fail "cannot use the folder $RUNTIME for sockets"
    if am_root; then chmod 0711 "$RUNTIME"; else chmod 0700 "$RUNTIME"; fi
    mkdir -p "$DATA_HOME" 2>/dev/null || fail "cannot create $DATA_HOME"
    if [ "$DATA_HOME" != "$SOUK_HOME" ]; then chmod 0711 "$DATA_HOME"; fi
}

# server_pid COMMAND FOLDER PIDFILE: the id in the file, if it is that server at work in that folder.
server_pid() {
    local pid
    [ -r "$3" ] && read -r pid <"$3" || return 1
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] || return 1
    [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f "$2")" ] || return 1
    printf '%s' "$pid"
}
postgres_pid() { server_pid postgres "$PG_DATA" "$PG_DATA/postmaster.pid"; }
redis_pid() { server_pid redis-server "$REDIS_DATA" "$REDIS_DATA/redis.pid"; }

create_cluster() {
    [ ! -s "$PG_DATA/PG_VERSION" ] || return 0
    local new=$PG_DATA.new output
    rm -rf "$new" # an interrupted first start
    own_folder "$new" postgres
    output=$(as_owner postgres "$POSTGRES_BIN/initdb" -D "$new" -U souk --encoding=UTF8 --locale=C.UTF-8 \
        --auth=reject --data-checksums 2>&1) || {
        rm -rf "$new"
        printf '%s\n' "$output" >"$SOUK_HOME/log/initdb.log" 2>/dev/null || true
        case $output in
            *'No space left'*) fail "cannot create the database in $PG_DATA: the disk is full" ;;
            *) fail "cannot create the database in $PG_DATA: $(printf '%s\n' "$output" | grep -m1 error || printf '%s' "$output" | tail -n1)" ;;
        esac
    }
    rm -rf "$PG_DATA" && mv "$new" "$PG_DATA"
}

# After a crash the file postmaster.pid may name an id that another program has by now;
# PostgreSQL would then refuse to start.
forget_dead_postgres() {
    [ -e "$PG_DATA/postmaster.pid" ] && ! postgres_pid >/dev/null || return 0
    rm -f "$PG_DATA/postmaster.pid" "$PG_SOCKETS"/.s.PGSQL.*
}

install_as() { # install_as USER SOURCE TARGET
    if am_root; then install -m 0600 -o "$1" -g "$1" "$2" "$3"; else install -m 0600 "$2" "$3"; fi ||
        fail "cannot write $3"
}

start_postgres() { # start_postgres durable|fast: fast trades durability for speed, for throw-away data
    local options="-k $PG_SOCKETS" attempt
    if postgres_pid >/dev/null; then return 0; fi
    [ -x "$POSTGRES_BIN/postgres" ] || fail "PostgreSQL 15 is missing: install the package postgresql-15"
    if [ "$1" = fast ]; then
        options+=" -c fsync=off -c full_page_writes=off -c shared_buffers=64MB -c max_wal_size=512MB"
    fi
    own_folder "$PG_SOCKETS" postgres
    create_cluster
    install_as postgres "$ENGINES_SOURCE/postgresql.conf" "$PG_DATA/postgresql.conf"
    install_as postgres "$ENGINES_SOURCE/pg_hba.conf" "$PG_DATA/pg_hba.conf"
    forget_dead_postgres
    # Orphans of a killed server keep its shared memory for a moment, hence the attempts.
    for attempt in 1 2 3 4 5; do
        as_owner postgres "$POSTGRES_BIN/pg_ctl" -D "$PG_DATA" -o "$options" -w -t 60 -s start \
            >>"$PG_LOG" 2>&1 && return 0
        tail -n 5 "$PG_LOG" | grep -q 'shared memory block' && [ "$attempt" -lt 5 ] || break
        sleep 1
    done
    fail "PostgreSQL did not start: $(reason_in_log "$PG_LOG") (log: $PG_LOG)"
}

write_redis_conf() {
    local conf=$REDIS_DATA/redis.conf
    {
        cat "$ENGINES_SOURCE/redis.conf"
        printf 'dir "%s"\nunixsocket "%s"\npidfile "%s"\nlogfile "%s"\n' \
            "$REDIS_DATA" "$REDIS_SOCKET" "$REDIS_DATA/redis.pid" "$REDIS_LOG"
    } >"$SOUK_HOME/run/redis.conf" || fail "cannot write to $SOUK_HOME/run"
    install_as redis "$SOUK_HOME/run/redis.conf" "$conf"
    rm -f "$SOUK_HOME/run/redis.conf"
}

start_redis() {
    local left=1200
    if redis_pid >/dev/null; then return 0; fi
    [ -x /usr/bin/redis-server ] || fail "Redis 7 is missing: install the package redis-server"
    own_folder "${REDIS_SOCKET%/*}" redis
    own_folder "$REDIS_DATA" redis
    write_redis_conf
    as_owner redis /usr/bin/redis-server "$REDIS_DATA/redis.conf" >>"$SOUK_HOME/log/redis-start.log" 2>&1 ||
        fail "Redis did not start: $(reason_in_log "$SOUK_HOME/log/redis-start.log")"
    # It answers LOADING until its append-only file is read.
    until [ "$(redis-cli -s "$REDIS_SOCKET" ping 2>/dev/null)" = PONG ]; do
        [ $((left--)) -gt 0 ] && { redis_pid >/dev/null || [ "$left" -gt 1150 ]; } ||
            fail "Redis did not start: $(reason_in_log "$REDIS_LOG") (log: $REDIS_LOG)"
        sleep 0.05
    done
}

stop_postgres() {
    local pid
    pid=$(postgres_pid) || return 0
    as_owner postgres "$POSTGRES_BIN/pg_ctl" -D "$PG_DATA" -s -w -t 30 -m fast stop >>"$PG_LOG" 2>&1 ||
        as_owner postgres "$POSTGRES_BIN/pg_ctl" -D "$PG_DATA" -s -w -t 10 -m immediate stop >>"$PG_LOG" 2>&1 || true
    # pg_ctl waits for the end of the file with its id, which goes a moment before the process.
    wait_gone "$pid" 10 ||
        warn "PostgreSQL (process $pid) does not stop"
}

stop_redis() {
    local pid
    pid=$(redis_pid) || return 0
    kill -TERM "$pid" 2>/dev/null || true
    wait_gone "$pid" 20 && return 0
    if [ "$(redis_pid)" = "$pid" ]; then kill -KILL "$pid"; fi
}

wants_private_postgres() { [ -z "${SOUK_POSTGRES_URL:-}" ] || [ "$SOUK_POSTGRES_URL" = "$PRIVATE_POSTGRES_URL" ]; }
wants_private_redis() { [ -z "${SOUK_REDIS_URL:-}" ] || [ "$SOUK_REDIS_URL" = "$PRIVATE_REDIS_URL" ]; }

start_engines() { # start_engines durable|fast
    if wants_private_postgres || wants_private_redis; then
        choose_data_folder
        prepare_runtime
    fi
    if wants_private_redis; then start_redis; fi
    if wants_private_postgres; then start_postgres "$1"; fi
}

# Nothing but the servers of this SOUK_HOME is ever stopped.
stop_engines() {
    stop_redis
    stop_postgres
    if ! redis_pid >/dev/null && ! postgres_pid >/dev/null && [ -O "$RUNTIME" ]; then rm -rf "$RUNTIME"; fi
}
