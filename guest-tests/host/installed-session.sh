#!/bin/bash
# Installs the Debian package $2 in a fresh root, of the tar $1, starts its GPU there as its units say, and boots a VM of another user
# on the host, whose kernel, initrd and arguments are $4/kernel, $4/initrd and $5; "ok" or "not ok" and a text for each step. $3 is a
# QEMU, $4 a folder that all users can enter. Run as root in namespaces of its own (unshare --mount --pid --kill-child --mount-proc):
# nothing of it stays. There is no systemd: the socket is made by its program systemd-socket-activate.
set -u
tar=$1 package=$2 qemu=$3 folder=$4 arguments=$5
root=$folder/root
# shellcheck source=/dev/null
. "$(dirname "$0")/steps.sh"

inside() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

unit() { # unit KIND KEY: a line of the installed unit sluice@gpu
    sed -n "s/^$2=//p" "$root/usr/lib/systemd/system/sluice@.$1" | sed 's/%i/gpu/g'
}

mkdir "$root" && tar -xf "$tar" -C "$root" && mount_in_root "$root" || exit 1

cp "$package" "$root/sluice.deb"
step "the package is installed" inside dpkg --install /sluice.deb
[ "$failed" = 0 ] || exit 1
step "nothing is missing" test -z "$(inside dpkg --audit 2>&1)"
step "the manifest is found" test -x "$root$(sed -n 's/.*"binary": *"\(.*\)".*/\1/p' "$root/usr/share/qemu/vhost-user/40-sluice-gpu.json" |
    sed 's|^/usr/libexec/sluice-gpu$|/usr/lib/sluice/bin/sluice|')"
step "a group" inside groupadd --system "$(unit socket SocketGroup)"
step "a user without a home" inside useradd --system --gid "$(unit service Group)" --no-create-home --home-dir /nonexistent sluice-gpu
group=$(inside getent group "$(unit socket SocketGroup)" | cut -d: -f3)
user=$(inside id -u sluice-gpu)
mkdir -p "$root/etc/sluice" && echo "--stats=/tmp/stats.json" >"$root/etc/sluice/gpu.conf"

socket=$root$(unit socket ListenStream)
mkdir -p "$(dirname "$socket")"
read -ra start <<<"$(unit service ExecStart)"
(cd / && exec env -i systemd-socket-activate --listen="$socket" /usr/bin/setpriv --no-new-privs /usr/sbin/chroot --userspec="$user:$group" \
    --groups="$group" "$root" "${start[@]}") >"$folder/service" 2>&1 </dev/null &
service=$!
step "the socket is there" await Listening "$folder/service"
chgrp "$group" "$socket"
chmod "$(unit socket SocketMode)" "$socket"
# Users of the host, of which only one is in the group.
as_vm=(setpriv --reuid 61234 --regid 61234)
step "others may not connect" bash -c '! "$@"' - "${as_vm[@]}" --clear-groups test -w "$socket"
step "the VM's user may" "${as_vm[@]}" --groups "$group" test -w "$socket"

install -d -o 61234 "$folder/vm"
coproc VM {
    cd / && "${as_vm[@]}" --groups "$group" env -i "$qemu" -nodefaults -display none -vga none -machine q35,memory-backend=mem,accel=tcg \
        -cpu max -object memory-backend-memfd,id=mem,size=512M,share=on -chardev "socket,id=vgpu,path=$socket" -device vhost-user-gpu-pci,chardev=vgpu \
        -kernel "$folder/kernel" -initrd "$folder/initrd" -append "$arguments" -serial "file:$folder/vm/console" -monitor stdio 2>&1
}
vm=$VM_PID
exec 8>&"${VM[1]}"
step "the VM draws" await '^SLUICE done' "$folder/vm/console"
echo "gpu $(awk '/^Uid|^Gid|^CapEff|^NoNewPrivs/ { printf "%s%s ", $1, $2 }' "/proc/$service/status")for $user:$group"
step "without a home" bash -c '! tr "\0" "\n" <"/proc/$1/environ" | grep -q ^HOME=' - "$service"
step "the cache is used" grep -q sluice.aot "/proc/$service/maps"
grep '^SLUICE done' "$folder/vm/console"
printf 'screendump %s -f png\nquit\n' "$folder/vm/screen.png" >&8
exec 8>&-
wait "$vm" 2>/dev/null
step "a picture" test -s "$folder/vm/screen.png"
kill "$service"
wait "$service"
status=$?
step "ended with $status" test "$status" = 0
step "its options were read" grep -q '"frames\|"flush' "$root/tmp/stats.json"
step "the package goes" inside dpkg --purge sluice
step "with all it had" test ! -e "$root/usr/lib/sluice" -a ! -e "$root/usr/bin/sluice"
exit "$failed"
