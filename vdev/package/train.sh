#!/usr/bin/env bash
# Makes the ahead-of-time cache of an installed Sluice. Run in a mount namespace of its own: train.sh HOME TARGET JAVA_BIN STAGE mounts
# HOME where it will be installed, and serves devices there to a front-end that draws, of TARGET's test classes.
set -euo pipefail
target=$2 java=$3 stage=$4
mount --bind "$1" /usr/lib/sluice
home=/usr/lib/sluice
classes=$home/lib/vdev.jar:$home/lib/*
env --block-signal=USR2 _JAVA_SR_SIGNUM=50 "$home/runtime/bin/java" @"$home/lib/flags" -Xmx256m -Djava.library.path="$home/native" \
    -XX:AOTCacheOutput="$home/lib/sluice.aot" -cp "$classes" sluice.vdev.cli.Start serve --device=gpu,socket-path="$stage/gpu" \
    --device=gpu,transport=vfio-user,socket-path="$stage/pci" --device=grabber,socket-path="$stage/grabber" \
    --device=tw686x,socket-path="$stage/tw686x" >"$stage/log" 2>&1 </dev/null &
server=$!
for ((i = 0; i < 600; i++)); do
    [[ ! -S $stage/tw686x ]] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
if [[ -d $target/test-classes/sluice/vdev/training ]]; then
    timeout 120 "$java/java" @"$home/lib/flags" -Xmx256m -cp "$target/test-classes:$classes" sluice.vdev.training.TrainingRun \
        "$stage"/{gpu,pci,grabber,tw686x} >>"$stage/log" 2>&1 </dev/null || true
fi
kill "$server" 2>/dev/null || true
wait "$server"
[[ -s $home/lib/sluice.aot ]]
