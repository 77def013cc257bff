#!/bin/bash
# A session of libvirt with a VM whose GPU is served by the program $1; "ok" or "not ok" and a text for each step. Run as root in a mount
# namespace of its own (unshare --mount): the daemons see nothing of the host's libvirt, and leave nothing there. $2 is a QEMU, $3 an
# empty folder that all users can enter.
set -u
program=$1 qemu=$2 folder=$3
failed=0

step() { # step WORDS COMMAND...: the command must succeed
    local words=$1 said
    shift
    if said=$("$@" 2>&1 </dev/null); then
        echo "ok - $words"
    else
        echo "not ok - $words: $said"
        failed=1
    fi
}

refused() { # refused WORDS SENTENCE COMMAND...: the command must fail with the sentence
    local words=$1 sentence=$2 said
    shift 2
    said=$("$@" 2>&1 </dev/null)
    if [[ $? != 0 && $said == *"$sentence"* ]]; then
        echo "ok - $words"
    else
        echo "not ok - $words: $said"
        failed=1
    fi
}

state() { # state WANTED: waits for a state of the VM
    local i
    for ((i = 0; i < 100; i++)); do
        [[ $(v domstate vm 2>&1) == "$1"* ]] && return
        sleep 0.1
    done
    v domstate vm
    return 1
}

v() {
    timeout 120 virsh -q -c qemu:///system "$@"
}

daemon() { # daemon WORDS: starts libvirtd and waits until it answers
    local i
    /usr/sbin/libvirtd --config "$folder/libvirtd.conf" --pid-file "$folder/libvirtd.pid" >"$folder/libvirtd.log" 2>&1 </dev/null &
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
    if ! getent passwd libvirt-qemu >/dev/null; then # the user that Debian's package libvirt-daemon-system makes
        cp /etc/passwd "$folder/passwd"
        cp /etc/group "$folder/group"
        echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>"$folder/passwd"
        echo 'libvirt-qemu:x:64055:' >>"$folder/group"
        mount --bind "$folder/passwd" /etc/passwd && mount --bind "$folder/group" /etc/group
    fi
}

end() {
    v destroy vm >/dev/null 2>&1
    kill "$libvirtd" "$virtlogd" 2>/dev/null
    wait
}

mounts || exit 1
cat >/etc/libvirt/qemu.conf <<'EOF'
user = "libvirt-qemu"
group = "libvirt-qemu"
security_driver = "none"
cgroup_controllers = []
namespaces = []
EOF
echo 'auth_unix_rw = "none"' >"$folder/libvirtd.conf"
printf '{"description": "Sluice", "type": "gpu", "binary": "%s"}\n' "$program" >/etc/qemu/vhost-user/40-sluice-gpu.json
cat >"$folder/vm.xml" <<EOF
<domain type='qemu'>
  <name>vm</name>
  <memory unit='MiB'>256</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>$qemu</emulator>
    <video><driver name='vhostuser'/><model type='virtio' heads='1' primary='yes'><acceleration accel3d='no'/></model></video>
    <memballoon model='none'/>
  </devices>
</domain>
EOF

libvirtd= virtlogd=
trap end EXIT
/usr/sbin/virtlogd >"$folder/virtlogd.log" 2>&1 </dev/null &
virtlogd=$!
daemon "the daemon runs"
step "define" v define "$folder/vm.xml"
step "start" v start vm
gpu=$(pgrep -n -u libvirt-qemu -f 'sluice.vdev.cli.Start gpu')
echo "gpu $(sed -n 's/^CapEff:\s*//p' "/proc/$gpu/status") $(stat -c %U "/proc/$gpu")"
step "screenshot" v screenshot vm "$folder/screen"
step "suspend" v suspend vm
step "is suspended" state paused
step "resume" v resume vm
step "reset" v reset vm
refused "a snapshot" "vhost-user" v managedsave vm
kill "$libvirtd"
wait "$libvirtd"
daemon "the daemon runs again"
step "the VM has survived it" state running
step "screenshot after it" v screenshot vm "$folder/screen2"
step "destroy" v destroy vm
step "start again" v start vm
step "screenshot of the second" v screenshot vm "$folder/screen3"
kill -9 "$(pgrep -n -u libvirt-qemu -f 'sluice.vdev.cli.Start gpu')"
step "the VM survives the end of its GPU" state running
step "destroy it" v destroy vm
step "undefine" v undefine vm
exit "$failed"
