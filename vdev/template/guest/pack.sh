#!/bin/sh
# Packs what a guest boots into: busybox, a script that runs there, programs, and the modules of its kernel that the scripts load.
#
#   guest/pack.sh MODULES INIT [PROGRAM...] >INITRD      MODULES is the kernel's /lib/modules/RELEASE
set -eu
modules=$1 init=$2
shift 2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys"
cp /bin/busybox "$@" "$root/bin"
cp "$init" "$root/init"
for module in uio/uio uio/uio_pci_generic char/hw_random/virtio-rng; do
	xz -dc "$modules/kernel/drivers/$module.ko.xz" >"$root/${module##*/}.ko"
done
cd "$root"
find . | busybox cpio -o -H newc 2>/dev/null
