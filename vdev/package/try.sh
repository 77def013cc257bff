#!/usr/bin/env bash
# Runs the installed Sluice below the folder $1 as a service would: as nobody, with an empty environment and a /tmp that is mounted
# noexec. Run as root in a mount namespace of its own; says what it has found, one line each.
set -u
root=$1
existed=
[[ ! -d /usr/lib/sluice ]] || existed=yes
mkdir -p /usr/lib/sluice
[[ -n $existed ]] || trap 'umount /usr/lib/sluice; rmdir /usr/lib/sluice' EXIT
mount --bind "$root/usr/lib/sluice" /usr/lib/sluice
mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp
cd /
as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups env -i)
sluice=/usr/lib/sluice/bin/sluice
socket="/tmp/a socket, ü"

"${as_nobody[@]}" "$sluice" --version
"${as_nobody[@]}" "$sluice" gpu --socket-path="$socket" --socket-mode=0660 >/tmp/said 2>&1 &
launched=$!
for ((i = 0; i < 600; i++)); do
    ! grep -q "chardev=vgpu" /tmp/said || break
    kill -0 "$launched" 2>/dev/null || break
    sleep 0.1
done
cat /tmp/said
[[ $(stat -c %a "$socket") != 660 ]] || echo "the socket is for its group"
maps=$(cat "/proc/$launched/maps")
[[ $maps != *sluice.aot* ]] || echo "the cache is used"
[[ $maps != */usr/lib/sluice/native/* ]] || echo "the library is loaded in place"
! grep -q "attach it to QEMU" /tmp/said || echo "the command for QEMU is complete"
kill "$launched"
wait "$launched"
echo "ended with $?"
