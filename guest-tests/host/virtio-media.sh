#!/usr/bin/env bash
# Gets the source of ChromeOS's virtio-media driver into the cache folder, for the test that decodes with it.
#
#   virtio-media.sh [REPOSITORY]
#
# REPOSITORY is a URL or a folder that git clones; https://github.com/chromeos/virtio-media unless said otherwise. One commit
# of it is taken (v0.0.8), so that every host tests the same driver. Needs git. Afterwards it is in CACHE/virtio-media/COMMIT.
#
# Exit: 0 it is there, 1 something is missing or failed (one sentence says what).
set -eu
umask 022
export LC_ALL=C

commit=924f3515123d907072f6ecbd770e65d4b5592d7c
cache=${SLUICE_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set; set SLUICE_CACHE to a folder}/.cache}/sluice}
repository=${1:-https://github.com/chromeos/virtio-media}
target=$cache/virtio-media/$commit

fail() {
    printf 'virtio-media: %s\n' "$*" >&2
    exit 1
}

command -v git >/dev/null || fail "git is needed: apt-get install git"
[ ! -e "$target/Kbuild" ] || exit 0
mkdir -p "$cache/virtio-media"
work=$(mktemp -d "$cache/virtio-media/unfinished-XXXXXX")
trap 'rm -rf "$work"' EXIT
git clone -q --bare "$repository" "$work/repository" || fail "$repository cannot be cloned; give another as the first argument."
git -C "$work/repository" cat-file -e "$commit^{commit}" 2>/dev/null || fail "$repository has no commit $commit."
mkdir "$work/driver"
git -C "$work/repository" archive "$commit:driver" | tar -x -C "$work/driver"
mv -T "$work/driver" "$target"
