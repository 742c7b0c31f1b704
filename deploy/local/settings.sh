# shellcheck shell=bash
# The settings that the launcher knows, and how they reach the binary. Sourced.

SETTINGS=(SOUK_PORT SOUK_INTERNAL_PORT SOUK_BIND SOUK_POSTGRES_URL SOUK_REDIS_URL)

# home_settings: SOUK_HOME and the paths that follow from it.
home_settings() {
    SOUK_HOME=$(realpath -m -- "${SOUK_HOME:-$ROOT/var}")
    export SOUK_HOME
    RUN_FOLDER=$SOUK_HOME/run
    PLATFORM_PID=$RUN_FOLDER/souk.pid
    LAUNCHER_PID=$RUN_FOLDER/launcher.pid
    PROCESSES=$RUN_FOLDER/processes # written by serve --split
    PLATFORM_LOG=$SOUK_HOME/log/souk.log
    BINARY=$ROOT/build/release/bin/souk
    engine_paths
}

# running_settings: words said to a running platform use the ports and addresses it was started with.
running_settings() {
    local name value
    if platform_pid >/dev/null && [ -r "$RUN_FOLDER/settings" ]; then
        while IFS='=' read -r name value; do
            [[ " ${SETTINGS[*]} " != *" $name "* ]] || export "$name=$value"
        done <"$RUN_FOLDER/settings"
    fi
    complete_settings
}

complete_settings() {
    : "${SOUK_PORT:=8080}" "${SOUK_INTERNAL_PORT:=9090}" "${SOUK_BIND:=127.0.0.1}"
    : "${SOUK_POSTGRES_URL:=$PRIVATE_POSTGRES_URL}" "${SOUK_REDIS_URL:=$PRIVATE_REDIS_URL}"
    : "${SOUK_SECRET_FILE:=$SOUK_HOME/secret}"
    if [ -z "${SOUK_INTERNAL_KEY:-}" ] && [ -r "$SOUK_HOME/internal_key" ]; then
        SOUK_INTERNAL_KEY=$(cat "$SOUK_HOME/internal_key")
    fi
    export "${SETTINGS[@]}" SOUK_SECRET_FILE
    if [ -n "${SOUK_INTERNAL_KEY:-}" ]; then export SOUK_INTERNAL_KEY; fi
    local host=$SOUK_BIND
    case $host in
        0.0.0.0) host=127.0.0.1 ;;
        ::) host='[::1]' ;;
        *:*) host="[$host]" ;;
    esac
    HTTP_URL=http://$host:$SOUK_PORT
    INTERNAL_URL=http://127.0.0.1:$SOUK_INTERNAL_PORT
}

remember_settings() {
    local name
    (umask 077 && for name in "${SETTINGS[@]}"; do printf '%s=%s\n' "$name" "${!name}"; done >"$RUN_FOLDER/settings")
}

check_settings() {
    local name
    for name in SOUK_PORT SOUK_INTERNAL_PORT; do
        [[ ${!name} =~ ^[0-9]{1,5}$ ]] && [ "${!name}" -ge 1 ] && [ "${!name}" -le 65535 ] ||
            wrong_usage "$name is ${!name}: it must be a port between 1 and 65535"
    done
    [ "$SOUK_PORT" != "$SOUK_INTERNAL_PORT" ] ||
        wrong_usage "SOUK_PORT and SOUK_INTERNAL_PORT are both $SOUK_PORT: they must differ"
}

# check_port NAME: says who holds it, where that can be seen.
check_port() {
    local port=${!1} holder
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
    holder=$(ss -Hltnp "sport = :$port" 2>/dev/null |
        sed -nE 's/.*users:\(\("([^"]+)",pid=([0-9]+).*/ by \1, process \2/p' | head -n 1)
    fail "port $port is taken$holder: free it or set $1 to another"
}
