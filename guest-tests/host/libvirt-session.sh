#!/bin/bash
# A session of libvirt with a VM whose GPU is served by the program $1; "ok" or "not ok" and a text for each step. Run as root in namespaces
# of its own (unshare --mount --pid --kill-child --mount-proc): the daemons see nothing of the host's libvirt, and leave nothing there.
# $2 is a QEMU, $3 a folder that all users can enter, with the VM's `kernel` and `initrd`. $4 is "system", the libvirt of root,
# whose VMs are libvirt-qemu's, or "session", that of a user, who has all in a home. $5 is a Java runtime, which the program finds
# in $3/jvm. With $6, a root folder, to which nothing is written, libvirt and QEMU are those of that root.
set -u
program=$1 qemu=$2 folder=$3 mode=$4 java=$5 other=${6:-}
here=$(dirname "$(realpath "$0")")
# shellcheck source=/dev/null
. "$here/steps.sh"
mountpoint -q "$folder/jvm" || { mkdir "$folder/jvm" && mount --bind "$java" "$folder/jvm"; } || exit 1
if [[ -n $other ]]; then
    root=$folder/root
    mkdir "$root" && mount --bind "$other" "$root" && mount_in_root "$root" && mount --rbind /sys "$root/sys" &&
        mkdir -p "$root/run/session" "$root$folder" && mount --bind "$here" "$root/run/session" && mount --rbind "$folder" "$root$folder" || exit 1
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin bash /run/session/libvirt-session.sh "$program" "$qemu" "$folder" "$mode" "$java"
fi
as_user=()
user=libvirt-qemu
if [[ $mode == session ]]; then
    user=sluice-session
    home=$folder/home
    as_user=(setpriv --reuid 61240 --regid 61240 --clear-groups env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "HOME=$home"
        LIBVIRT_AUTOSTART=0 "XDG_CONFIG_HOME=$home/config" "XDG_RUNTIME_DIR=$home/run" "XDG_CACHE_HOME=$home/cache")
fi

state() { # state WANTED: waits for a state of the VM
    local i
    for ((i = 0; i < 100; i++)); do
        [[ $(v domstate vm 2>&1) == "$1"* ]] && return
        sleep 0.1
    done
    v domstate vm
    return 1
}

drawn() { # drawn N: waits until the guest has booted and drawn N times since it was defined
    local i
    for ((i = 0; i < 3000; i++)); do
        [[ $(grep -cs '^SLUICE done' "$pids/console") -lt $1 ]] || return 0
        sleep 0.1
    done
    cat "$pids/console"
    return 1
}

v() {
    "${as_user[@]}" timeout 120 virsh -q -c "qemu:///$mode" "$@"
}

daemon() { # daemon WORDS: starts libvirtd and waits until it answers
    local i
    "${as_user[@]}" /usr/sbin/libvirtd --config "$folder/libvirtd.conf" --pid-file "$pids/libvirtd.pid" >"$folder/libvirtd.log" 2>&1 </dev/null &
    libvirtd=$!
    for ((i = 0; i < 300; i++)); do
        if v version >/dev/null 2>&1; then
            echo "ok - $1"
            return
        fi
        kill -0 "$libvirtd" || break
        sleep 0.1
    done
    echo "not ok - $1: $(cat "$folder/libvirtd.log")"
    failed=1
}

mounts() {
    local path
    mkdir -p /run/libvirt /etc/libvirt /etc/qemu/vhost-user /var/lib/libvirt /var/log/libvirt /var/cache/libvirt
    for path in /run/libvirt /etc/libvirt /etc/qemu/vhost-user /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
        mount -t tmpfs -o mode=755 tmpfs "$path" || return
    done
    mkdir -p /var/log/libvirt/qemu
    if ! getent passwd "$user" >/dev/null; then # libvirt-qemu is made by Debian's package libvirt-daemon-system
        cp /etc/passwd "$folder/passwd"
        cp /etc/group "$folder/group"
        local id=64055
        [[ $mode == system ]] || id=61240
        echo "$user:x:$id:$id::${home:-/var/lib/libvirt}:/usr/sbin/nologin" >>"$folder/passwd"
        echo "$user:x:$id:" >>"$folder/group"
        mount --bind "$folder/passwd" /etc/passwd && mount --bind "$folder/group" /etc/group
    fi
}

end() {
    v destroy vm >/dev/null 2>&1
    kill $libvirtd $virtlogd 2>/dev/null
    wait
}

mounts || exit 1
pids=$folder
if [[ $mode == session ]]; then
    mkdir -p "$home"/{run,cache,config/libvirt,config/qemu/vhost-user}
    printf '{"description": "Sluice", "type": "gpu", "binary": "%s"}\n' "$program" >"$home/config/qemu/vhost-user/40-sluice-gpu.json"
    echo 'stdio_handler = "file"' >"$home/config/libvirt/qemu.conf"
    chown -R "$user:" "$home"
    chmod 700 "$home" "$home/run"
    pids=$home
else
    cat >/etc/libvirt/qemu.conf <<'EOF'
user = "libvirt-qemu"
group = "libvirt-qemu"
security_driver = "none"
cgroup_controllers = []
namespaces = []
EOF
    printf '{"description": "Sluice", "type": "gpu", "binary": "%s"}\n' "$program" >/etc/qemu/vhost-user/40-sluice-gpu.json
fi
echo 'auth_unix_rw = "none"' >"$folder/libvirtd.conf"
cat >"$folder/vm.xml" <<EOF
<domain type='qemu'>
  <name>vm</name>
  <memory unit='MiB'>512</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$folder/kernel</kernel>
    <initrd>$folder/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 sluice.run=pattern sluice.frames=5 sluice.end=wait</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>$qemu</emulator>
    <video><driver name='vhostuser'/><model type='virtio' heads='1' primary='yes'><acceleration accel3d='no'/></model></video>
    <serial type='file'><source path='$pids/console' append='on'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
EOF

libvirtd= virtlogd=
trap end EXIT
if [[ $mode == system ]]; then
    /usr/sbin/virtlogd >"$folder/virtlogd.log" 2>&1 </dev/null &
    virtlogd=$!
fi
daemon "the daemon runs"
echo "libvirt $(v version | sed -n 's/^Using library: libvirt //p')"
step "define" v define "$folder/vm.xml"
step "start" v start vm
gpu=$(pgrep -n -u $user -f 'sluice.vdev.cli.Start gpu')
echo "gpu $(sed -n 's/^CapEff:\s*//p' "/proc/$gpu/status") $(stat -c %U "/proc/$gpu")"
step "the guest draws" drawn 1
grep -m 1 '^SLUICE done' "$pids/console"
step "screenshot" v screenshot vm "$folder/screen-1"
step "suspend" v suspend vm
step "is suspended" state paused
step "resume" v resume vm
step "screenshot of the resumed" v screenshot vm "$folder/screen-2"
step "reset" v reset vm
step "the guest draws after the reset" drawn 2
step "reboot" v reboot vm
step "the guest draws after the reboot" drawn 3
step "screenshot of the rebooted" v screenshot vm "$folder/screen-3"
refused "a snapshot" "snapshot" v snapshot-create-as vm one
refused "a saved state" "vhost-user" v managedsave vm
step "it still runs" state running
kill "$libvirtd"
wait "$libvirtd"
daemon "the daemon runs again"
step "the VM has survived it" state running
step "screenshot after it" v screenshot vm "$folder/screen-4"
step "destroy" v destroy vm
step "start again" v start vm
step "the guest draws again" drawn 4
step "screenshot of the second" v screenshot vm "$folder/screen-5"
kill -9 "$(pgrep -n -u $user -f 'sluice.vdev.cli.Start gpu')"
step "the VM survives the end of its GPU" state running
step "destroy it" v destroy vm
step "undefine" v undefine vm
exit "$failed"
