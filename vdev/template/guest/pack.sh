#!/bin/sh
# Packs what the guest boots into: busybox, the driver and two modules of its kernel.
#
#   guest/pack.sh MODULES COPY >INITRD      MODULES is the kernel's /lib/modules/RELEASE
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys"
cp /bin/busybox "$2" "$root/bin"
cp "$here/init" "$root"
for module in uio uio_pci_generic; do
	xz -dc "$1/kernel/drivers/uio/$module.ko.xz" >"$root/$module.ko"
done
cd "$root"
find . | busybox cpio -o -H newc 2>/dev/null
