#!/usr/bin/env bash
# Makes a Debian package and a tar of the built module vdev: a Java runtime of its own (jlink), jars, ahead-of-time cache, launcher,
# manual pages, manifest of QEMU, unit of systemd, completion of bash.
#
#   package.sh TARGET OUT JAVA_HOME      TARGET is vdev/target, built with its tests; OUT a folder
#
# Prints the two files. Exit: 0, or 1 with a sentence.
set -euo pipefail
umask 022
target=$(realpath "$1") out=$2 java=$3/bin
here=$(dirname "$(readlink -f "$0")")
version=0.1.0
modules=java.base,java.desktop,java.instrument,java.logging,java.management,java.naming,java.sql,java.xml,jdk.crypto.ec,jdk.jfr,jdk.unsupported,jdk.zipfs

fail() {
    echo "sluice: $1" >&2
    exit 1
}

[[ -x $java/jlink ]] || fail "$java has no jlink: a whole JDK 25 is needed, for example the package temurin-25-jdk"
jar=$target/vdev-0.1.0-SNAPSHOT.jar
[[ -e $jar && -d $target/lib ]] || fail "$target is not built"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

root=$stage/root
home=$root/usr/lib/sluice
mkdir -p "$home"/{bin,lib,native} "$root"/usr/{bin,libexec,share/doc/sluice,share/man/man1,share/qemu/vhost-user,share/bash-completion/completions} \
    "$root"/usr/lib/systemd/system "$root"/etc/sluice
"$java/jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --compress zip-6 --output "$home/runtime"
cp "$jar" "$home/lib/vdev.jar"
cp "$target"/lib/*.jar "$home/lib/"
install -m 755 "$here/sluice" "$home/bin/sluice"
# The flags of the launcher in the checkout.
sed -n '/^LAUNCH_FLAGS=(/,/^)/p' "$here/../../sluice" | sed -n 's/^ *\(-[^ ]*\).*/\1/p' >"$home/lib/flags"
# From here the kernel loads it also where /tmp is mounted noexec.
(cd "$home/native" && for one in "$home"/lib/netty-transport-native-epoll-*-linux-x86_64.jar; do
    "$java/jar" --extract --file "$one" META-INF/native
done && mv META-INF/native/*.so . && rm -r META-INF)

# The ahead-of-time cache, by the runtime and the jars at the place where they will be: it remembers paths.
if [[ $(id -u) == 0 ]]; then
    existed=
    [[ ! -d /usr/lib/sluice ]] || existed=yes
    mkdir -p /usr/lib/sluice
    unshare --mount bash "$here/train.sh" "$home" "$target" "$java" "$stage" || trained=no
    [[ -n $existed ]] || rmdir /usr/lib/sluice
    [[ ${trained:-yes} == yes ]] || fail "no ahead-of-time cache was made: $(tail -n 1 "$stage/log")"
else
    echo "sluice: no ahead-of-time cache is made without root: what is installed starts more slowly" >&2
fi

"$home/runtime/bin/java" @"$home/lib/flags" -cp "$home/lib/vdev.jar:$home/lib/*" sluice.vdev.cli.Manual "$stage/manual"
gzip -9 -n "$stage"/manual/*.1
mv "$stage"/manual/*.gz "$root/usr/share/man/man1/"
mv "$stage/manual/sluice.bash" "$root/usr/share/bash-completion/completions/sluice"
ln -s ../lib/sluice/bin/sluice "$root/usr/bin/sluice"
ln -s ../lib/sluice/bin/sluice "$root/usr/libexec/sluice-gpu"
printf '{\n  "description": "Sluice virtio GPU (2D)",\n  "type": "gpu",\n  "binary": "/usr/libexec/sluice-gpu"\n}\n' \
    >"$root/usr/share/qemu/vhost-user/40-sluice-gpu.json"
install -D -m 644 "$here/grafana.json" "$root/usr/share/sluice/grafana.json"
install -m 644 "$here/sluice@.service" "$here/sluice@.socket" "$root/usr/lib/systemd/system/"
# The page of --console has others' modules in Sluice's jar; jars of libraries contain their own licences.
{
    cat "$here/../../LICENSE"
    printf '\n%s\n' 'The page of --console contains noVNC 1.7.0 (MPL-2.0, unchanged):'
    cat "$here"/../src/main/resources/sluice/vdev/console/novnc/LICENSE.txt
    printf '\n%s\n' 'and uPlot 1.6.30 (MIT, Copyright (c) Leon Sorokin), from its web jar.'
} >"$root/usr/share/doc/sluice/copyright"
chmod 644 "$root/usr/share/doc/sluice/copyright"

mkdir -p "$out"
tar --create --gzip --sort=name --owner=root --group=root --numeric-owner --file "$out/sluice-$version.tar.gz" -C "$root" usr etc
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<EOF
Package: sluice
Version: $version
Architecture: amd64
Maintainer: The Sluice authors <sluice@localhost>
Depends: libc6 (>= 2.34), zlib1g, coreutils (>= 8.32)
Suggests: qemu-system-x86, libvirt-daemon-system
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Section: otherosfs
Priority: optional
Description: virtual devices for QEMU, served by a Java process
 A GPU, a keyboard, a frame grabber and other devices of a virtual machine,
 over vhost-user and vfio-user. The Java runtime is part of the package.
EOF
dpkg-deb --root-owner-group -Zgzip --build "$root" "$out/sluice_${version}_amd64.deb" >/dev/null
echo "$out/sluice_${version}_amd64.deb"
echo "$out/sluice-$version.tar.gz"
