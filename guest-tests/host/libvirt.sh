# The libvirt of Debian 13 and its QEMU, with all that their daemons need, unpacked into a root folder in the cache folder, for packages.sh,
# which sources this file after unpack.sh. A test changes its root to that folder: nothing of it is installed. shellcheck shell=bash

libvirt_suite=trixie
# What apt adds are their dependencies: the second line is what Debian expects everywhere.
libvirt_packages=(libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-log libvirt-clients qemu-system-x86
    base-passwd bash coreutils dash grep libc-bin mount procps sed util-linux)

libvirt_is_unpacked() {
    [ -x "$cache/libvirt/$libvirt_suite/usr/sbin/libvirtd" ]
}

# Unpacks it from the package state `private`, made by use_suite.
unpack_libvirt() {
    local part root
    begin_folder libvirt
    root=$unfinished
    mkdir -p "$root"/.archives/partial "$root"/usr/{bin,lib,lib64,sbin} "$root"/{dev,etc,proc,run,sys,tmp} \
        "$root"/etc/{libvirt,qemu/vhost-user} "$root"/var/{cache,lib,log}/libvirt
    for part in bin lib lib64 sbin; do
        ln -s "usr/$part" "$root/$part"
    done
    say "downloading and unpacking libvirt of $libvirt_suite, its QEMU and their libraries (about 100 MB)"
    apt-get "${private[@]}" -o "Dir::Cache::archives=$root/.archives" -qq -y --no-install-recommends --download-only \
        install "${libvirt_packages[@]}" >/dev/null || fail "libvirt of $libvirt_suite could not be downloaded."
    for part in "$root"/.archives/*.deb; do
        unpack_package "$part" "$root"
    done
    rm -rf "$root/var/run" # as the package base-files does when it is installed
    ln -s ../run "$root/var/run"
    rm -rf "$root/.archives"
    for part in passwd group; do
        cp "$root/usr/share/base-passwd/$part.master" "$root/etc/$part"
    done
    chmod -R go+rX "$root"
    finish_folder libvirt "$libvirt_suite"
}
