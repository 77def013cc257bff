#!/usr/bin/env bash
# Installs what the demo and the guest tests need on Debian 12 or later, and nothing that is there already.
#
#   packages.sh [--dry-run] [modules] [video] [tests]
#
# Without arguments: Maven, QEMU 9 or later, busybox, a C compiler that links statically, and a Debian kernel, which is only
# unpacked into the cache folder, never installed. With `modules` also make, and, unpacked into the cache folder, the headers
# of the kernels there, by which kernel modules are built for them. With `video` that, and unpacked there what `demo --mode video`
# and `bench codec` need: ffmpeg of Debian 13 and, from its backports, QEMU 11.1 and its kernel. With `tests` all of that, the C
# peer vhost-user-gpu, modetest, libvirt, the VNC viewer gvnccapture and the browser Chromium, and, unpacked: the QEMU of Debian
# 12 (7.2), the compositor Weston, the X server Xorg, v4l-utils and GStreamer of Debian 13, which guests run, and its libvirt; for root
# also a fresh root of this system's suite, in which the Debian package is installed.
#
# The machine's own package sources stay as they are. What is needed beyond them (on Debian 12, the suite
# bookworm-backports) is read through private package states in the cache folder, from the same mirror.
# Interrupting and running again is safe: a folder gets its final name only when it is complete.
#
# Exit: 0 everything is there, 1 something is missing and could not be installed (one sentence says what), 2 wrong usage.
set -eu
umask 022
export LC_ALL=C

cache=${SLUICE_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set; set SLUICE_CACHE to a folder}/.cache}/sluice}
here=$(dirname "$(readlink -f "$0")")
least_qemu=9
new_suite=trixie-backports # has QEMU 11.1 and Linux 7
dry_run=
for_tests=
for_video=
for_modules=

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
    video) for_video=yes for_modules=yes ;;
    tests) for_tests=yes for_video=yes for_modules=yes ;;
    modules) for_modules=yes ;;
    -h | --help)
        sed -n '2,19s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        printf 'packages: unknown argument "%s"; usage: packages.sh [--dry-run] [modules] [video] [tests]\n' "$argument" >&2
        exit 2
        ;;
    esac
done

# shellcheck source=/dev/null
. "$here/apt.sh"
# shellcheck source=/dev/null
. "$here/unpack.sh"
# shellcheck source=/dev/null
. "$here/headers.sh"
# shellcheck source=/dev/null
. "$here/desktop.sh"
# shellcheck source=/dev/null
. "$here/video.sh"
# shellcheck source=/dev/null
. "$here/xorg.sh"
# shellcheck source=/dev/null
. "$here/root.sh"
# shellcheck source=/dev/null
. "$here/libvirt.sh"

ID=''
VERSION_ID=''
VERSION_CODENAME=''
# shellcheck source=/dev/null
[ -r /etc/os-release ] && . /etc/os-release

# --- What is missing -------------------------------------------------------------------------------------------------

wanted=()      # from the suite of this system
wanted_new=()  # from backports where the suite is too old
reasons=()

need() { # need LIST PACKAGE REASON
    local -n list=$1
    list+=("$2")
    reasons+=("$2 ($3)")
}

qemu_major() { # of the one in PATH
    local line version
    command -v qemu-system-x86_64 >/dev/null || return 1
    line=$(qemu-system-x86_64 --version 2>/dev/null) || return 1
    version=${line#*version }
    printf '%s' "${version%%.*}"
}

qemu_is_new_enough() {
    [ "$(qemu_major)" -ge "$least_qemu" ] 2>/dev/null
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]
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

qemu_is_new_enough || need wanted_new qemu-system-x86 "the virtual machine, version $least_qemu or later"
has_static_busybox || need wanted busybox-static "the guest's user space"
command -v gcc >/dev/null || need wanted gcc "builds the guest's programs"
[ -e /usr/lib/x86_64-linux-gnu/libc.a ] || need wanted libc6-dev "static libc for the guest's programs"
[ -e /usr/include/linux/types.h ] || need wanted linux-libc-dev "kernel headers for the guest's programs"
[ -e /usr/include/libdrm/drm_mode.h ] || [ -e /usr/include/drm/drm_mode.h ] ||
    need wanted libdrm-dev "the kernel's DRM headers, which Debian keeps there; the library itself is not used"
command -v mvn >/dev/null || need wanted maven "builds Sluice"
command -v xz >/dev/null || need wanted xz-utils "unpacks kernel modules"
kernel_wanted=
unpack_wanted=() # suites whose QEMU is to be unpacked
new_kernel_wanted=
desktop_wanted=
video_wanted=() # of video.sh
xorg_wanted=
libvirt_wanted=
root_wanted=
kernel_is_unpacked current || kernel_wanted=yes
if [ -n "$for_video" ]; then
    qemu_is_unpacked "$new_suite" || unpack_wanted+=("$new_suite")
    kernel_is_unpacked newest || new_kernel_wanted=yes
    ffmpeg_is_unpacked || video_wanted+=(ffmpeg)
fi
if [ -n "$for_tests" ]; then
    has_peer || need wanted_new qemu-system-gui "the C peer vhost-user-gpu, to compare with"
    [ -e "/$dbus_display" ] || need wanted_new qemu-system-modules-opengl "QEMU's D-Bus display, by which the tests resize screens"
    command -v chromium >/dev/null || need wanted chromium "a browser, in which the tests look at the page of --console"
    command -v protoc >/dev/null || need wanted protobuf-compiler "protoc, by which the tests read traces for Perfetto"
    command -v gvnccapture >/dev/null || need wanted gvncviewer "gvnccapture, a VNC viewer that saves what it sees"
    for package in libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients; do
        is_installed "$package" || need wanted "$package" "libvirt, which starts the GPU in a test"
    done
    command -v unshare >/dev/null || need wanted util-linux "unshare, by which that test leaves nothing behind"
    command -v pgrep >/dev/null || need wanted procps "pgrep, of that test"
    command -v modetest >/dev/null || need wanted libdrm-tests "modetest, which the tests run in the guest"
    qemu_is_unpacked bookworm || unpack_wanted+=(bookworm)
    if qemu_is_new_enough && [ "$(qemu_major)" -ne 10 ] && ! qemu_is_unpacked trixie; then
        unpack_wanted+=(trixie) # version 10.0, which is what Debian 12 (backports) and 13 have in PATH
    fi
    desktop_is_unpacked || desktop_wanted=yes
    for kind in video gstreamer; do
        "${kind}_is_unpacked" || video_wanted+=("$kind")
    done
    xorg_is_unpacked || xorg_wanted=yes
    libvirt_is_unpacked || libvirt_wanted=yes
    if [ "$(id -u)" -eq 0 ] && [ "$ID" = debian ] && ! root_is_made; then root_wanted=yes; fi
    [ -z "$root_wanted" ] || command -v wget >/dev/null || need wanted wget "debootstrap's, which makes a root to install the package in"
fi
headers_wanted=() # links to kernels
if [ -n "$for_modules" ]; then
    command -v make >/dev/null || need wanted make "builds kernel modules"
    headers_are_unpacked current || headers_wanted+=(current)
    if [ -n "$new_kernel_wanted" ] || { kernel_is_unpacked newest && ! headers_are_unpacked newest; }; then
        headers_wanted+=(newest)
    fi
fi
if [ ${#unpack_wanted[@]} -gt 0 ] || [ "${headers_wanted[*]: -1}" = newest ] || [ -n "$new_kernel_wanted$desktop_wanted${video_wanted[*]}$xorg_wanted$libvirt_wanted" ]; then
    compgen -G '/usr/share/keyrings/debian-archive-trixie-stable.*' >/dev/null ||
        need wanted debian-archive-keyring "the keys of Debian 13"
fi
if [ -n "$kernel_wanted$new_kernel_wanted" ] && ! command -v depmod >/dev/null && ! [ -x /sbin/depmod ]; then
    need wanted kmod "depmod, which orders kernel modules"
fi

if [ ${#reasons[@]} -eq 0 ] && [ ${#unpack_wanted[@]} -eq 0 ] && [ ${#headers_wanted[@]} -eq 0 ] &&
    [ -z "$kernel_wanted$new_kernel_wanted$desktop_wanted${video_wanted[*]}$xorg_wanted$libvirt_wanted$root_wanted" ]; then
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
    joined "${reasons[@]}" ${kernel_wanted:+"a Debian kernel package linux-image-*-amd64 of version 6.12 or later, unpacked as $cache/kernel/RELEASE with depmod run on it and $cache/kernel/current pointing to RELEASE"} \
        ${new_kernel_wanted:+"the same of version 7 or later, with $cache/kernel/newest pointing to it"} \
        ${headers_wanted:+"linux-headers-* of those kernels, each with $cache/headers/RELEASE/build pointing to it"} \
        ${unpack_wanted:+"QEMU from ${unpack_wanted[*]} (bookworm has 7.2, $new_suite 11.1), each as $cache/qemu/NAME/qemu-system-x86_64"} \
        ${desktop_wanted:+"Weston and udev of Debian 13 with their libraries, unpacked as $cache/desktop/$desktop_suite"} \
        ${video_wanted:+"of Debian 13, with their libraries: ${video_wanted[*]}, each unpacked as $cache/NAME/$video_suite"} \
        ${xorg_wanted:+"Xorg of Debian 13 with its libraries, unpacked as $cache/xorg/$xorg_suite"} \
        ${libvirt_wanted:+"libvirt and QEMU of Debian 13 with their dependencies, unpacked as $cache/libvirt/$libvirt_suite"} \
        ${root_wanted:+"a root of Debian by debootstrap --variant=minbase, as $cache/root/SUITE.tar"}
}

# --- Which system this is --------------------------------------------------------------------------------------------

if [ "$ID" != debian ] || [ "${VERSION_ID:-99}" -lt 12 ] || ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    fail "this is not Debian 12 or later with apt, so please install by hand: $(list_by_hand)."
fi
[ "$(dpkg --print-architecture)" = amd64 ] || fail "only amd64 is supported; please install by hand: $(list_by_hand)."

as_root=()
if [ "$(id -u)" -ne 0 ] && [ $((${#wanted[@]} + ${#wanted_new[@]})) -gt 0 ]; then
    command -v sudo >/dev/null || fail "run this as root or install sudo; to be installed: $(list_by_hand)."
    as_root=(sudo)
fi

newer=() # how to ask for what the suite itself has in too old a version
if [ "${VERSION_ID:-99}" -eq 12 ]; then
    newer=(-t "$VERSION_CODENAME-backports")
fi

if [ -n "$dry_run" ]; then
    [ ${#wanted[@]} -eq 0 ] || say "would install${as_root:+ with sudo}: ${wanted[*]}"
    [ ${#wanted_new[@]} -eq 0 ] || say "would install${as_root:+ with sudo}${newer:+ from ${newer[1]}}: ${wanted_new[*]}"
    [ -z "$kernel_wanted" ] || say "would download the kernel of linux-image-amd64${newer:+ from ${newer[1]}} and unpack it under $cache/kernel"
    [ ${#unpack_wanted[@]} -eq 0 ] || say "would download QEMU from ${unpack_wanted[*]} and unpack it under $cache/qemu"
    [ -z "$new_kernel_wanted" ] || say "would download the kernel of linux-image-amd64 from $new_suite and unpack it under $cache/kernel"
    [ ${#headers_wanted[@]} -eq 0 ] || say "would download the headers of the kernels ${headers_wanted[*]} and unpack them under $cache/headers"
    [ -z "$desktop_wanted" ] || say "would download Weston of $desktop_suite and unpack it under $cache/desktop"
    [ ${#video_wanted[@]} -eq 0 ] || say "would download ${video_wanted[*]} of $video_suite and unpack them under $cache"
    [ -z "$xorg_wanted" ] || say "would download Xorg of $xorg_suite and unpack it under $cache/xorg"
    [ -z "$libvirt_wanted" ] || say "would download libvirt of $libvirt_suite and unpack it under $cache/libvirt"
    [ -z "$root_wanted" ] || say "would make a root of $VERSION_CODENAME by debootstrap under $cache/root"
    exit 0
fi

state=$cache/apt
mkdir -p "$state"
exec 9>"$state/lock"
flock -w 900 9 || fail "another packages.sh has been running for 15 minutes on $cache."

say "missing: $(joined "${reasons[@]}" ${kernel_wanted:+"the kernel of linux-image-amd64 (for the guest; it is not installed)"} \
    ${unpack_wanted:+"QEMU from ${unpack_wanted[*]} (unpacked, not installed)"} \
    ${new_kernel_wanted:+"the kernel from $new_suite (for the guest)"} \
    ${headers_wanted:+"the headers of the kernels ${headers_wanted[*]} (unpacked, not installed)"} \
    ${desktop_wanted:+"Weston from $desktop_suite (for the guest)"} \
    ${video_wanted:+"from $video_suite ${video_wanted[*]} (for the guest)"} \
    ${xorg_wanted:+"Xorg from $xorg_suite (for the guest)"} \
    ${libvirt_wanted:+"libvirt from $libvirt_suite (unpacked, not installed)"} \
    ${root_wanted:+"a root of $VERSION_CODENAME (to install the package in)"})."
find_mirror

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

if [ $((${#wanted[@]} + ${#wanted_new[@]})) -gt 0 ] || [ -n "$kernel_wanted$root_wanted" ] || [ "${headers_wanted[0]:-}" = current ]; then
    use_state "$state" <<<"$suites${newer:+$'\n'$mirror ${newer[1]}}"
fi
if [ ${#wanted[@]} -gt 0 ]; then
    from=()
    install "${wanted[@]}"
fi
if [ ${#wanted_new[@]} -gt 0 ]; then
    from=("${newer[@]}")
    install "${wanted_new[@]}"
    qemu_is_new_enough || fail "QEMU $least_qemu or later is needed, but $(qemu-system-x86_64 --version | head -n 1) is what the suite has."
fi

# --- Unpacking -------------------------------------------------------------------------------------------------------

# Looked at again: another packages.sh may have done it while this one waited for the lock.
[ -z "$kernel_wanted" ] || kernel_is_unpacked current || unpack_kernel current "${newer[@]}"
[ "${headers_wanted[0]:-}" != current ] || headers_are_unpacked current || unpack_headers current "${newer[@]}"
[ -z "$root_wanted" ] || root_is_made || make_root
for suite in "${unpack_wanted[@]}"; do
    qemu_is_unpacked "$suite" && continue
    use_suite "$suite"
    unpack_qemu "$suite"
done
if [ -n "$new_kernel_wanted" ] && ! kernel_is_unpacked newest; then
    use_suite "$new_suite"
    unpack_kernel newest
fi
if [ "${headers_wanted[*]: -1}" = newest ] && ! headers_are_unpacked newest; then
    use_suite "$new_suite"
    unpack_headers newest
fi
if [ -n "$desktop_wanted" ] && ! desktop_is_unpacked; then
    use_suite "$desktop_suite"
    unpack_desktop
fi
for kind in "${video_wanted[@]}"; do
    "${kind}_is_unpacked" && continue
    use_suite "$video_suite"
    "unpack_$kind"
done
if [ -n "$xorg_wanted" ] && ! xorg_is_unpacked; then
    use_suite "$xorg_suite"
    unpack_xorg
fi
if [ -n "$libvirt_wanted" ] && ! libvirt_is_unpacked; then
    use_suite "$libvirt_suite"
    unpack_libvirt
fi
say "done"
