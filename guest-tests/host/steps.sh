# The steps of a session that a test runs, and the roots that some run in; for scripts that source this file. Each step prints "ok" or
# "not ok" and a text; `failed` is 1 from the first "not ok" on. shellcheck shell=bash

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
    if ! said=$("$@" 2>&1 </dev/null) && [[ $said == *"$sentence"* ]]; then
        echo "ok - $words"
    else
        echo "not ok - $words: $said"
        failed=1
    fi
}

await() { # await PATTERN FILE: at most a minute
    local i
    for ((i = 0; i < 600; i++)); do
        ! grep -qs "$1" "$2" || return 0
        sleep 0.1
    done
    cat "$2"
    return 1
}

# Mounts what programs of a root expect, in the mount namespace of the caller. Its /tmp runs no programs.
mount_in_root() { # mount_in_root FOLDER
    mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmpfs "$1/tmp" &&
        mount -t tmpfs -o mode=755 tmpfs "$1/run"
}
