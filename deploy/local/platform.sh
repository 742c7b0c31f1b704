# shellcheck shell=bash
# up, down, status, logs: the platform's process and its engines. Sourced by the launcher.

platform_pid() { live_pid "$PLATFORM_PID"; }

# interruptible COMMAND...: a long step in the foreground that Ctrl-C and SIGTERM end at once.
interruptible() {
    setsid "$@" 9>&- &
    STEP=$!
    local status=0
    wait "$STEP" || status=$?
    STEP=
    return "$status"
}

take_lock() { # take_lock SECONDS
    exec 9>"$RUN_FOLDER/lock"
    flock -w "$1" 9
}

# --- up -------------------------------------------------------------------------------

cmd_up() {
    local detach=false
    BUILD=true
    SERVE=(serve)
    while [ $# -gt 0 ]; do
        case $1 in
            -d | --detach) detach=true ;;
            --no-build) BUILD=false ;;
            --split) SERVE=(serve --split) ;;
            *) wrong_usage "up: unknown option $1 (./souk help)" ;;
        esac
        shift
    done
    complete_settings
    check_settings
    prepare_home
    refuse_second_up "$detach" || return 0
    write_pid "$LAUNCHER_PID" $$
    trap 'exit 1' INT TERM HUP
    trap clean_up EXIT
    check_port SOUK_PORT
    check_port SOUK_INTERNAL_PORT
    install_and_build
    say "starting PostgreSQL and Redis"
    ENGINES_TOUCHED=true
    start_engines durable
    complete_settings
    prepare_data
    start_platform
    print_addresses
    if $detach; then
        trap - EXIT
        rm -f "$LAUNCHER_PID"
        return 0
    fi
    stay_until_stopped
}

# Prints the addresses and returns 1 when `up --detach` finds the platform at work.
refuse_second_up() {
    local pid
    if take_lock 0; then
        pid=$(platform_pid) || return 0
    else
        pid=$(platform_pid) ||
            fail "another ./souk up is starting here (process $(live_pid "$LAUNCHER_PID" || echo unknown)): wait for it"
    fi
    running_settings
    $1 || fail "Souk already runs here (process $pid) at $HTTP_URL: ./souk down stops it"
    say "Souk already runs here (process $pid)"
    print_addresses
    return 1
}

install_and_build() {
    local groups=(run)
    if $BUILD; then groups+=(build); fi
    if wants_private_postgres; then groups+=(postgres); fi
    if wants_private_redis; then groups+=(redis); fi
    ensure_packages "${groups[@]}"
    if ! $BUILD; then
        [ -x "$BINARY" ] || fail "Souk is not built yet: leave out --no-build"
        return 0
    fi
    [ -e "$BINARY" ] || say "building (the first time takes several minutes)"
    interruptible "$ROOT/tools/build" release souk || fail "the build failed: see above"
}

prepare_data() {
    say "applying migrations"
    binary_step migrate
    say "loading the demo catalogue (does nothing when it is there)"
    binary_step demo
}

binary_step() {
    local log=$SOUK_HOME/log/$1.log
    interruptible "$BINARY" "$1" >"$log" 2>&1 ||
        fail "souk $1 failed: $(reason_in_log "$log") (log: $log)"
}

start_platform() {
    local left=1200 pid status=0
    if [ "$(stat -c %s "$PLATFORM_LOG" 2>/dev/null || echo 0)" -gt $((64 << 20)) ]; then
        mv "$PLATFORM_LOG" "$PLATFORM_LOG.1"
    fi
    remember_settings
    setsid "$BINARY" "${SERVE[@]}" >>"$PLATFORM_LOG" 2>&1 </dev/null 9>&- &
    pid=$!
    write_pid "$PLATFORM_PID" "$pid"
    until curl -fs -m 2 -o /dev/null "$INTERNAL_URL/readyz"; do
        if [ "$(platform_pid)" != "$pid" ]; then
            wait "$pid" 2>/dev/null || status=$?
            fail "the platform did not start (exit code $status): $(reason_in_log "$PLATFORM_LOG") (log: $PLATFORM_LOG)"
        fi
        [ $((left--)) -gt 0 ] || fail "the platform is not ready after a minute (log: $PLATFORM_LOG)"
        sleep 0.05
    done
}

print_addresses() {
    cat <<END

  Souk runs:
    shop       $HTTP_URL/v1/products
    API guide  $HTTP_URL/docs
    internal   $INTERNAL_URL/readyz, /metrics
    data       $DATA_HOME
    log        ./souk logs -f

END
}

stay_until_stopped() {
    local pid status=0
    pid=$(platform_pid) || fail "the platform stopped by itself: $(reason_in_log "$PLATFORM_LOG")"
    say "Ctrl-C stops it"
    trap 'exit 0' INT TERM HUP
    wait "$pid" 2>/dev/null || status=$?
    trap 'exit 1' INT TERM HUP
    [ "$status" -eq 0 ] ||
        fail "the platform stopped by itself (exit code $status): $(reason_in_log "$PLATFORM_LOG") (log: $PLATFORM_LOG)"
}

# Runs whenever `up` ends without leaving a platform behind: what it started goes, in order.
clean_up() {
    local status=$?
    trap '' INT TERM HUP
    if [ -n "${STEP:-}" ]; then kill -TERM -- "-$STEP" 2>/dev/null || true; fi
    stop_platform
    if [ -n "${ENGINES_TOUCHED:-}" ]; then stop_engines; fi
    rm -f "$LAUNCHER_PID"
    exit "$status"
}

# --- down -----------------------------------------------------------------------------

stop_platform() {
    local pid
    if pid=$(platform_pid); then
        say "draining the platform"
        kill -TERM "$pid" 2>/dev/null || true
        if ! wait_gone "$pid" 45; then
            warn "the platform (process $pid) did not drain in 45 seconds and is killed"
            if [ "$(platform_pid)" = "$pid" ]; then kill -KILL "$pid"; fi
        fi
    fi
    rm -f "$PLATFORM_PID" "$RUN_FOLDER/settings" "$PROCESSES"
}

cmd_down() {
    [ $# -eq 0 ] || wrong_usage "down takes no argument"
    local pid
    if [ ! -d "$RUN_FOLDER" ]; then
        say "nothing runs here"
        return 0
    fi
    [ -w "$RUN_FOLDER" ] || fail "cannot write to $RUN_FOLDER: Souk was started here as another user"
    if pid=$(live_pid "$LAUNCHER_PID"); then
        kill -TERM "$pid" 2>/dev/null || true
        wait_gone "$pid" 90 || fail "./souk up (process $pid) does not stop"
    fi
    take_lock 90 || fail "another ./souk is at work here: try again"
    if [ -z "$pid" ] && ! platform_pid >/dev/null && ! postgres_pid >/dev/null && ! redis_pid >/dev/null; then
        say "nothing runs here"
        return 0
    fi
    stop_platform
    stop_engines
    say "stopped"
}

# --- status, logs -----------------------------------------------------------------------

cmd_status() {
    case ${1:-} in
        '') status_text ;;
        --json) status_json ;;
        *) wrong_usage "status: unknown option $1 (./souk help)" ;;
    esac
}

# The state in one word: running, starting (alive, not ready yet) or stopped.
platform_state() {
    if ! platform_pid >/dev/null; then
        echo stopped
    elif curl -fs -m 2 -o /dev/null "$INTERNAL_URL/readyz"; then
        echo running
    else
        echo starting
    fi
}

# The processes of a platform that was started with --split, as JSON: a member a service.
processes_json() {
    local name pid url state restarts separator=''
    if ! platform_pid >/dev/null || [ ! -r "$PROCESSES" ]; then return 0; fi
    printf '"processes": {'
    while read -r name pid url state restarts; do
        printf '%s"%s": {"state": "%s", "pid": %s, "internal": "%s", "restarts": %s}' \
            "$separator" "$name" "$state" "$pid" "$url" "$restarts"
        separator=', '
    done <"$PROCESSES"
    printf '}, '
}

# The binary's own configuration with some members before it; exit code 1 unless it runs.
status_json() {
    local state config pid
    running_settings
    state=$(platform_state)
    pid=$(platform_pid || echo null)
    [ -x "$BINARY" ] || fail "Souk is not built yet: ./souk up does it"
    [ -s "$SOUK_SECRET_FILE" ] || fail "Souk was never started here: ./souk up does it"
    config=$("$BINARY" config --json) || fail "souk config --json failed"
    printf '{"state": "%s", "pid": %s, %s%s\n' "$state" "$pid" "$(processes_json)" "${config#*\{}"
    [ "$state" = running ]
}

status_text() {
    local state
    running_settings
    state=$(platform_state)
    printf 'platform    %s%s\n' "$state" "$(pid_note "$(platform_pid || true)")"
    if [ "$state" != stopped ] && [ -r "$PROCESSES" ]; then
        awk '{ printf "  %-13s %s (process %s, started again %s times) %s\n", $1, $4, $2, $5, $3 }' "$PROCESSES"
    fi
    if wants_private_postgres; then
        printf 'PostgreSQL  %s\n' "$(engine_note "$(postgres_pid || true)")"
    else
        printf 'PostgreSQL  yours (SOUK_POSTGRES_URL)\n'
    fi
    if wants_private_redis; then
        printf 'Redis       %s\n' "$(engine_note "$(redis_pid || true)")"
    else
        printf 'Redis       yours (SOUK_REDIS_URL)\n'
    fi
    printf 'data        %s\n' "$DATA_HOME"
    if [ "$state" = stopped ]; then return 1; fi
    printf 'shop        %s\ninternal    %s\n' "$HTTP_URL" "$INTERNAL_URL"
    [ "$state" = running ]
}
pid_note() { [ -z "$1" ] || printf ' (process %s)' "$1"; }
engine_note() { if [ -n "$1" ]; then printf 'running (process %s)' "$1"; else printf 'stopped'; fi; }

cmd_logs() {
    local follow=() file=$PLATFORM_LOG process=
    while [ $# -gt 0 ]; do
        case $1 in
            -f | --follow) follow=(-F) ;;
            postgres) file=$PG_LOG ;;
            redis) file=$REDIS_LOG ;;
            gateway | session | user | inventory | payment | catalog | search | cart | order | review | notification)
                process=$1
                ;;
            *) wrong_usage "logs: unknown argument $1 (./souk help)" ;;
        esac
        shift
    done
    [ -r "$file" ] || fail "there is no log yet at $file"
    [ -n "$process" ] || exec tail -n 200 "${follow[@]}" "$file"
    tail -n 20000 "${follow[@]}" "$file" | grep --line-buffered -F "\"process\":\"$process\"" || true
}
