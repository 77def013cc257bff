#!/usr/bin/env bash
# Installs what the demo and the guest tests need on Debian 12 or later, and nothing that is there already.
#
#   packages.sh [--dry-run] [tests]
#
# Without `tests`: QEMU 9 or later, busybox, a C compiler that links statically, and a Debian kernel, which is only
# unpacked into the cache folder, never installed. With `tests` also the C peer vhost-user-gpu and modetest.
#
# The machine's own package sources stay as they are. What is needed beyond them (on Debian 12, the suite
# bookworm-backports) is read through a second, private package state in the cache folder, from the same mirror.
# Interrupting and running again is safe: a folder gets its final name only when it is complete.
#
# Exit: 0 everything is there, 1 something is missing and could not be installed (one sentence says what), 2 wrong usage.
set -eu
umask 022
export LC_ALL=C

cache=${SLUICE_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set; set SLUICE_CACHE to a folder}/.cache}/sluice}
least_qemu=9
dry_run=
for_tests=

fail() {
    printf 'packages: %s\n' "$*" >&2
    exit 1
}

say() {
    printf 'packages: %s\n' "$*"
}

for argument in "$@"; do
    case $argument in
    --dry-run) dry_run=yes ;;
    tests) for_tests=yes ;;
    -h | --help)
        sed -n '2,13s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        printf 'packages: unknown argument "%s"; usage: packages.sh [--dry-run] [tests]\n' "$argument" >&2
        exit 2
        ;;
    esac
done

# --- What is missing -------------------------------------------------------------------------------------------------

wanted=()      # from the suite of this system
wanted_new=()  # from backports where the suite is too old
reasons=()

need() { # need LIST PACKAGE REASON
    local -n list=$1
    list+=("$2")
    reasons+=("$2 ($3)")
}

qemu_is_new_enough() {
    local line version
    command -v qemu-system-x86_64 >/dev/null || return 1
    line=$(qemu-system-x86_64 --version 2>/dev/null) || return 1
    version=${line#*version }
    version=${version%%.*}
    [ "$version" -ge "$least_qemu" ] 2>/dev/null
}

has_peer() {
    local manifest=/usr/share/qemu/vhost-user/50-qemu-gpu.json binary
    [ -r "$manifest" ] || return 1
    binary=$(sed -n 's/.*"binary": *"\([^"]*\)".*/\1/p' "$manifest")
    [ -n "$binary" ] && [ -x "$binary" ]
}

has_static_busybox() { # Debian's other package, busybox, needs libc6, which the guest does not have
    [ -x /bin/busybox ] && ! head -c 4096 /bin/busybox | grep -q ld-linux # a dynamic program names its loader there
}

kernel_is_unpacked() {
    local release
    release=$(readlink "$cache/kernel/current" 2>/dev/null) || return 1
    [ -s "$cache/kernel/$release/boot/vmlinuz-$release" ] && [ -s "$cache/kernel/$release/lib/modules/$release/modules.dep" ]
}

qemu_is_new_enough || need wanted_new qemu-system-x86 "the virtual machine, version $least_qemu or later"
has_static_busybox || need wanted busybox-static "the guest's user space"
command -v gcc >/dev/null || need wanted gcc "builds the guest's programs"
[ -e /usr/lib/x86_64-linux-gnu/libc.a ] || need wanted libc6-dev "static libc for the guest's programs"
[ -e /usr/include/linux/types.h ] || need wanted linux-libc-dev "kernel headers for the guest's programs"
[ -e /usr/include/libdrm/drm_mode.h ] || [ -e /usr/include/drm/drm_mode.h ] ||
    need wanted libdrm-dev "the kernel's DRM headers, which Debian keeps there; the library itself is not used"
command -v xz >/dev/null || need wanted xz-utils "unpacks kernel modules"
kernel_wanted=
if ! kernel_is_unpacked; then
    kernel_wanted=yes
    command -v depmod >/dev/null || [ -x /sbin/depmod ] || need wanted kmod "depmod, which orders kernel modules"
fi
if [ -n "$for_tests" ]; then
    has_peer || need wanted_new qemu-system-gui "the C peer vhost-user-gpu, to compare with"
    command -v modetest >/dev/null || need wanted libdrm-tests "modetest, which the tests run in the guest"
fi

if [ ${#reasons[@]} -eq 0 ] && [ -z "$kernel_wanted" ]; then
    exit 0
fi

joined() { # the arguments, as a list in a sentence
    local text="" item
    for item in "$@"; do
        text+="${text:+, }$item"
    done
    printf '%s' "$text"
}

list_by_hand() {
    joined "${reasons[@]}" ${kernel_wanted:+"a Debian kernel package linux-image-*-amd64 of version 6.12 or later, unpacked as $cache/kernel/RELEASE with depmod run on it and $cache/kernel/current pointing to RELEASE"}
}

# --- Which system this is --------------------------------------------------------------------------------------------

ID=''
VERSION_ID=''
VERSION_CODENAME=''
# shellcheck source=/dev/null
[ -r /etc/os-release ] && . /etc/os-release
if [ "$ID" != debian ] || [ "${VERSION_ID:-99}" -lt 12 ] || ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    fail "this is not Debian 12 or later with apt, so please install by hand: $(list_by_hand)."
fi
[ "$(dpkg --print-architecture)" = amd64 ] || fail "only amd64 is supported; please install by hand: $(list_by_hand)."

as_root=()
if [ "$(id -u)" -ne 0 ] && [ $((${#wanted[@]} + ${#wanted_new[@]})) -gt 0 ]; then
    command -v sudo >/dev/null || fail "run this as root or install sudo; to be installed: $(list_by_hand)."
    as_root=(sudo)
fi

# --- A package state of our own --------------------------------------------------------------------------------------

state=$cache/apt
# The sandbox user of apt cannot enter a private home folder; packages are still checked against Debian's keys.
private=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$state/sources" -o "Dir::State::Lists=$state/lists"
    -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o "APT::Sandbox::User=$(id -un)" -o "Acquire::Retries=3"
    -o "DPkg::Lock::Timeout=300" -o "Acquire::Languages=none")

# Prints "URI SUITE" for every Debian suite that this system's own sources name, as apt itself reads them.
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

write_sources() {
    local suites mirror="" uri suite option=""
    suites=$(own_suites)
    while read -r uri suite; do
        case $suite in
        "$VERSION_CODENAME" | stable | oldstable | testing | unstable | sid) mirror=$uri ;;
        esac
    done <<<"$suites"
    [ -n "$mirror" ] || fail "this system's apt sources name no Debian suite (main, $VERSION_CODENAME); please install by hand: $(list_by_hand)."
    if [ "${VERSION_ID:-99}" -eq 12 ]; then
        suites+=$'\n'"$mirror $VERSION_CODENAME-backports"
    fi
    if ! compgen -G '/etc/apt/trusted.gpg.d/debian-archive-*' >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
        option="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
    fi
    sort -u <<<"$suites" | while read -r uri suite; do
        printf 'deb %s%s %s main\n' "$option" "$uri" "$suite"
    done
}

newer=() # how to ask for what the suite itself has in too old a version
if [ "${VERSION_ID:-99}" -eq 12 ]; then
    newer=(-t "$VERSION_CODENAME-backports")
fi

if [ -n "$dry_run" ]; then
    [ ${#wanted[@]} -eq 0 ] || say "would install${as_root:+ with sudo}: ${wanted[*]}"
    [ ${#wanted_new[@]} -eq 0 ] || say "would install${as_root:+ with sudo}${newer:+ from ${newer[1]}}: ${wanted_new[*]}"
    [ -z "$kernel_wanted" ] || say "would download the kernel of linux-image-amd64${newer:+ from ${newer[1]}} and unpack it under $cache/kernel"
    exit 0
fi

mkdir -p "$state/sources" "$state/lists/partial" "$cache/kernel"
exec 9>"$state/lock"
flock -w 900 9 || fail "another packages.sh has been running for 15 minutes on $cache."

say "missing: $(joined "${reasons[@]}" ${kernel_wanted:+"the kernel of linux-image-amd64 (for the guest; it is not installed)"})."
write_sources >"$state/sources/.new"
if ! cmp -s "$state/sources/.new" "$state/sources/sluice.list" || [ -z "$(find "$state/updated" -mmin -1440 2>/dev/null)" ]; then
    rm -f "$state/updated"
    mv "$state/sources/.new" "$state/sources/sluice.list"
    say "reading package lists into $state (the system's own lists are not touched)"
    apt-get "${private[@]}" -qq update || fail "the package lists could not be read from the mirror in this system's apt sources; is the network there?"
    touch "$state/updated"
else
    rm -f "$state/sources/.new"
fi

# --- Installing ------------------------------------------------------------------------------------------------------

as_administrator() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@" >"$state/install.log" 2>&1 9>&-
}

install() { # install PACKAGE... ; extra apt options in the array `from`
    local command=(apt-get "${private[@]}" "${from[@]}" -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "$@")
    say "installing ${from[1]:+from ${from[1]}: }$*"
    as_administrator "${command[@]}" && return
    if grep -q 'dpkg --configure -a' "$state/install.log"; then # an earlier installation was killed half-way
        say "finishing an installation that was interrupted"
        as_administrator dpkg --force-confdef --force-confold --configure -a && as_administrator "${command[@]}" && return
    fi
    tail -n 5 "$state/install.log" >&2
    fail "apt could not install $*; the whole output is in $state/install.log."
}

if [ ${#wanted[@]} -gt 0 ]; then
    from=()
    install "${wanted[@]}"
fi
if [ ${#wanted_new[@]} -gt 0 ]; then
    from=("${newer[@]}")
    install "${wanted_new[@]}"
    qemu_is_new_enough || fail "QEMU $least_qemu or later is needed, but $(qemu-system-x86_64 --version | head -n 1) is what the suite has."
fi

# --- The guest's kernel ----------------------------------------------------------------------------------------------

if [ -n "$kernel_wanted" ]; then
    package=$(apt-cache "${private[@]}" "${newer[@]}" depends --important linux-image-amd64 | sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)$/\1/p' | head -n 1)
    [ -n "$package" ] || fail "the package lists name no kernel behind linux-image-amd64."
    release=${package#linux-image-}
    rm -rf "$cache"/kernel/.partial.*
    work=$cache/kernel/.partial.$$
    mkdir "$work"
    trap 'rm -rf "$work"' EXIT
    say "downloading and unpacking $package (about 100 MB)"
    (cd "$work" && apt-get "${private[@]}" "${newer[@]}" -qq download "$package") || fail "$package could not be downloaded."
    dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x --no-same-owner -C "$work" || fail "$package could not be unpacked; is $cache full?"
    rm -f "$work"/*.deb
    [ -e "$work/lib" ] || ln -s usr/lib "$work/lib"
    PATH=$PATH:/sbin:/usr/sbin depmod -b "$work" "$release" || fail "depmod failed on $package."
    rm -rf "${cache:?}/kernel/$release"
    mv "$work" "$cache/kernel/$release"
    ln -s "$release" "$cache/kernel/.current.$$"
    mv -T "$cache/kernel/.current.$$" "$cache/kernel/current"
fi
say "done"
