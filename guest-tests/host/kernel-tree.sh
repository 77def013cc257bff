#!/usr/bin/env bash
# Builds a small kernel from Debian's source, in the cache folder, for tests of `./sluice check --kdir`.
#
#   kernel-tree.sh [PACKAGE]
#
# PACKAGE is linux-source-6.12 unless said otherwise; it comes from this system's own apt sources. The configuration is
# allnoconfig and what `./sluice check --print config` writes, so that a fragment which lacks something is noticed. Needs
# flex, bison, bc and libelf-dev, 3 GB, and on two processors about twenty minutes. Afterwards CACHE/tree/build is what
# --kdir takes. Interrupting and running again goes on where it was.
#
# Exit: 0 built, 1 something is missing or failed (one sentence says what).
set -eu
umask 022
export LC_ALL=C

cache=${SLUICE_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set; set SLUICE_CACHE to a folder}/.cache}/sluice}
here=$(dirname "$(readlink -f "$0")")
package=${1:-linux-source-6.12}
tree=$cache/tree

fail() {
    printf 'kernel-tree: %s\n' "$*" >&2
    exit 1
}

for program in apt-get dpkg-deb make gcc flex bison bc xz; do
    command -v "$program" >/dev/null || fail "$program is needed: apt-get install flex bison bc libelf-dev make gcc xz-utils"
done
[ -e /usr/include/libelf.h ] || fail "libelf.h is needed: apt-get install libelf-dev"

mkdir -p "$tree/build"
exec 9>"$tree/lock"
flock -n 9 || fail "another kernel-tree.sh works in $tree."
if [ ! -e "$tree/source/Makefile" ] || [ "$(cat "$tree/package" 2>/dev/null)" != "$package" ]; then
    rm -rf "$tree/source" "$tree/build" "$tree/unpacked"
    mkdir -p "$tree/build" "$tree/unpacked" "$tree/.source"
    (cd "$tree/unpacked" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$package") ||
        fail "apt has no $package; see apt-cache search ^linux-source"
    dpkg-deb --fsys-tarfile "$tree"/unpacked/*.deb | tar -x -C "$tree/unpacked" ./usr/src
    tar -C "$tree/.source" --strip-components=1 -xJf "$tree"/unpacked/usr/src/*.tar.xz || fail "$package could not be unpacked."
    mv -T "$tree/.source" "$tree/source"
    rm -rf "$tree/unpacked"
    printf '%s\n' "$package" >"$tree/package"
fi
cd "$tree/build"
"$here/../../sluice" check --driver=saa7134_empress --iommu=none,virtio --bounce=off,force --print=config >check.config ||
    fail "no configuration could be written."
printf 'CONFIG_LOCALVERSION="-sluice"\nCONFIG_VIDEO_DT3155=m\n' >>check.config
make -s -C "$tree/source" O="$tree/build" allnoconfig >/dev/null
"$tree/source/scripts/kconfig/merge_config.sh" -m -O . .config check.config >merge.log
nice -n 10 make -s olddefconfig
nice -n 10 make -s -j"$(nproc)" bzImage modules || fail "the kernel could not be built."
printf '%s\n' "$tree/build"
