# Private apt states, for packages.sh, which sources this file: they do not affect the system's own lists, caches and
# sources. shellcheck shell=bash

# Prints "URI SUITE" for every Debian suite in this system's sources, as read by apt.
own_suites() {
    # shellcheck disable=SC2016 # $(REPO_URI) and the others are apt's, not the shell's
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        while read -r uri suite component; do
            [ "$component" = main ] || continue
            case $suite in
            "$VERSION_CODENAME" | "$VERSION_CODENAME"-updates | "$VERSION_CODENAME"-security | "$VERSION_CODENAME"-backports | \
                stable | stable-updates | stable-security | oldstable | oldstable-updates | oldstable-security | testing | unstable | sid)
                printf '%s %s\n' "$uri" "$suite"
                ;;
            esac
        done | sort -u
}

# Finds the mirror (`mirror`) and the suites ("URI SUITE" lines in `suites`) of this system's own sources.
find_mirror() {
    local uri suite
    mirror=''
    suites=$(own_suites)
    while read -r uri suite; do
        case $suite in
        "$VERSION_CODENAME" | stable | oldstable | testing | unstable | sid) mirror=$uri ;;
        esac
    done <<<"$suites"
    [ -n "$mirror" ] || fail "this system's apt sources name no Debian suite (main, $VERSION_CODENAME); please install by hand: $(list_by_hand)."
}

# Reads "URI SUITE" lines, prints them as apt's sources.
as_sources() {
    local option='' uri suite
    if ! compgen -G '/etc/apt/trusted.gpg.d/debian-archive-*' >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
        option="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
    fi
    sort -u | while read -r uri suite; do
        printf 'deb %s%s %s main\n' "$option" "$uri" "$suite"
    done
}

# Makes FOLDER a package state, from "URI SUITE" lines on standard input, with lists at most a day old. Sets the array
# `private` to the options that make apt use it.
use_state() { # use_state FOLDER
    local state=$1
    # The sandbox user of apt cannot enter a private home folder; packages are still checked against Debian's keys.
    private=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$state/sources" -o "Dir::State::Lists=$state/lists"
        -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o "APT::Sandbox::User=$(id -un)" -o "Acquire::Retries=3"
        -o "DPkg::Lock::Timeout=300" -o "Acquire::Languages=none")
    mkdir -p "$state/sources" "$state/lists/partial"
    as_sources >"$state/sources/.new"
    if cmp -s "$state/sources/.new" "$state/sources/sluice.list" && [ -n "$(find "$state/updated" -mmin -1440 2>/dev/null)" ]; then
        rm -f "$state/sources/.new"
        return
    fi
    rm -f "$state/updated"
    mv "$state/sources/.new" "$state/sources/sluice.list"
    say "reading package lists into $state (the system's own lists are not touched)"
    apt-get "${private[@]}" -qq update || fail "the package lists could not be read from the mirror in this system's apt sources; is the network there?"
    touch "$state/updated"
}

# The same for one suite of Debian, independent of this system, and as if nothing were installed: the dependencies
# reported by apt are then complete, including libc.
use_suite() { # use_suite SUITE
    local state=$cache/apt/$1
    use_state "$state" <<<"$mirror ${1%-backports}"$'\n'"$mirror $1"
    : >"$state/status"
    private+=(-o "Dir::State=$state" -o "Dir::State::status=$state/status" -o "Dir::Etc::preferences=/dev/null"
        -o "Dir::Etc::preferencesparts=/dev/null" -o "APT::Architectures=amd64" -t "$1")
}
