# shellcheck shell=bash
# Words, paths and process identity, shared by the launcher and the engine starter. Sourced.

say() { printf 'souk: %s\n' "$*"; }
warn() { printf 'souk: %s\n' "$*" >&2; }
fail() {
    warn "$@"
    exit 1
}
wrong_usage() {
    warn "$@"
    exit 2
}

am_root() { [ "$(id -u)" -eq 0 ]; }

# A short name for a folder, so that two checkouts never share a runtime folder.
short_hash() { printf '%s' "$1" | sha256sum | cut -c1-8; }

# A process is known by its id, its start time and the boot it belongs to: an id alone
# may have been given to somebody else since.
process_identity() {
    local line stat
    line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # After the name in brackets: the state first, the start time twentieth.
    read -r -a stat <<<"${line##*) }"
    [ "${stat[0]}" != Z ] || return 1
    printf '%s@%s' "${stat[19]}" "$(cat /proc/sys/kernel/random/boot_id)"
}

# write_pid FILE PID, then live_pid FILE prints the id while that very process lives.
write_pid() { printf '%s %s\n' "$2" "$(process_identity "$2")" >"$1"; }
live_pid() {
    local pid identity
    [ -r "$1" ] && read -r pid identity <"$1" || return 1
    [ -n "$pid" ] && [ "$(process_identity "$pid")" = "$identity" ] && printf '%s' "$pid"
}

# wait_gone PID SECONDS
wait_gone() {
    local left=$(($2 * 20))
    while process_identity "$1" >/dev/null; do
        [ $((left--)) -gt 0 ] || return 1
        sleep 0.05
    done
}

# One sentence out of a log: what a reader needs to know first.
reason_in_log() {
    local line
    line=$(tail -n 200 "$1" 2>/dev/null) || true
    case $line in
        *'No space left on device'*) line='the disk is full (No space left on device)' ;;
        *) line=$(last_error <<<"$line") ;;
    esac
    printf '%s' "${line:-nothing was logged}" | cut -c1-300
}

# The last line that tells of an error, else the last line; of a JSON line its message and error.
last_error() {
    awk '
        function member(line, name,    rest) {
            rest = line
            if (!sub(".*\"" name "\":\"", "", rest)) return ""
            sub(/".*/, "", rest)
            return rest
        }
        NF { last = $0 }
        /FATAL|PANIC|ERROR|[Ee]rror|[Ff]ailed|[Ff]atal/ && !/"level":"(debug|info)"/ { found = $0 }
        END {
            line = found ? found : last
            message = member(line, "msg")
            error = member(line, "error")
            if (message == "") print line
            else print message (error == "" ? "" : ": " error)
        }'
}

# prepare_home: SOUK_HOME exists, can be written and has room.
prepare_home() {
    local message free_mb
    message=$(mkdir -p "$SOUK_HOME/run" "$SOUK_HOME/log" 2>&1 && : 2>&1 >"$SOUK_HOME/run/.probe") ||
        fail "cannot write to $SOUK_HOME (${message##*: }): set SOUK_HOME to a folder that you may write to"
    rm -f "$SOUK_HOME/run/.probe"
    free_mb=$(df -Pm "$SOUK_HOME" | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge 300 ] ||
        fail "the disk that holds $SOUK_HOME has only $free_mb MB free, and Souk needs 300: make room or set SOUK_HOME"
    chmod 0700 "$SOUK_HOME/run" "$SOUK_HOME/log"
    prepare_secret "$SOUK_HOME/secret"
    prepare_secret "$SOUK_HOME/internal_key"
}

# A secret is written whole or not at all, and only once.
prepare_secret() {
    [ ! -s "$1" ] || return 0
    (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$1.new") && mv "$1.new" "$1" ||
        fail "cannot write $1"
}
