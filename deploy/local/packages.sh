# shellcheck shell=bash
# Installs the Debian packages that are missing. Sourced.

# missing_packages GROUP...: those of deploy/local/packages.txt that dpkg does not have.
missing_packages() {
    local groups=" $* " wanted
    wanted=$(awk -v groups="$groups" '$1 !~ /^#/ && index(groups, " " $1 " ") { print $2 }' \
        "$ROOT/deploy/local/packages.txt")
    # shellcheck disable=SC2086 # one word a package
    comm -23 <(sort -u <<<"$wanted") \
        <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
            awk '$2 == "installed" { print $1 }' | sort -u)
}

# ensure_packages GROUP...
ensure_packages() {
    local missing log as_root=() names
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
        fail "Souk installs its packages with apt-get (Debian 12), which this machine does not have"
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    names=$(paste -sd' ' <<<"$missing")
    log=$SOUK_HOME/log/apt.log
    if ! am_root; then
        command -v sudo >/dev/null ||
            fail "these packages are missing and there is no sudo; let root install them: apt-get install $names"
        as_root=(sudo)
        [ -t 0 ] || as_root=(sudo -n)
        "${as_root[@]}" true || fail "these packages are missing and sudo was refused: $names"
    fi
    say "installing Debian packages: $(wc -l <<<"$missing") (log: $log)"
    # shellcheck disable=SC2086 # one word a package
    "${as_root[@]}" "$ROOT/deploy/local/install-packages" $names >"$log" 2>&1 </dev/null ||
        fail "could not install $names: $(apt_reason "$log") (log: $log)"
}

apt_reason() {
    if grep -q 'No space left' "$1"; then
        printf 'the disk is full'
    elif grep -qE 'Could not resolve|Failed to fetch|Cannot initiate the connection|Temporary failure' "$1"; then
        printf 'the package server cannot be reached; is there a network?'
    else
        grep -E '^(E|dpkg):' "$1" | tail -n 1 | grep . || printf 'apt-get failed'
    fi
}
