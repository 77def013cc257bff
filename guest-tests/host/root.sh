# A fresh root of this system's suite, as a tar in the cache folder, for packages.sh, which sources this file after apt.sh. The test
# of the Debian package installs it there. shellcheck shell=bash

root_is_made() {
    [ -s "$cache/root/$VERSION_CODENAME.tar" ]
}

# Makes it by debootstrap, which is unpacked, not installed, from the package state `private`. Only root can.
make_root() { # uses `mirror`
    local tool
    begin_folder root
    tool=$unfinished/tool
    mkdir "$tool"
    (cd "$unfinished" && apt-get "${private[@]}" -qq download debootstrap) || fail "debootstrap could not be downloaded."
    unpack_package "$(compgen -G "$unfinished/debootstrap_*.deb")" "$tool"
    say "making a root of $VERSION_CODENAME (about 60 MB; minutes)"
    DEBOOTSTRAP_DIR=$tool/usr/share/debootstrap "$tool/usr/sbin/debootstrap" --variant=minbase "$VERSION_CODENAME" "$unfinished/root" \
        "$mirror" >"$state/debootstrap.log" 2>&1 || fail "debootstrap failed; its output is in $state/debootstrap.log."
    rm -f "$unfinished"/root/var/cache/apt/archives/*.deb
    tar -C "$unfinished/root" -cf "$cache/root/.new.$$" . || fail "$cache is full."
    mv "$cache/root/.new.$$" "$cache/root/$VERSION_CODENAME.tar"
    rm -rf "$unfinished"
    unfinished=
}
