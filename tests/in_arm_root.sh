#!/bin/sh
# Runs a program of the arm64 root that tests/arm_root.py makes; CMake's CMAKE_CROSSCOMPILING_EMULATOR, too.
#   in_arm_root.sh ROOT PROGRAM [ARGUMENT...]
# The project is there at its own place. Of the host's /proc and /sys nothing is: ONNX Runtime would read an x86 processor
# in them, and crash. Mounts are those of this process alone.
set -eu
root=$(cd "$1" && pwd)
shift
project=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$root$project"
export QEMU_CPU="${QEMU_CPU:-cortex-a76}" HOME=/root LC_ALL=C.UTF-8
unset PYTHONPATH
# shellcheck disable=SC2016  # expanded in the new namespace
exec unshare --mount sh -c '
    root=$1 project=$2 here=$3
    shift 3
    mount --bind "$project" "$root$project"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o ro none "$root/proc"
    PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
    exec chroot "$root" /usr/bin/env --chdir="$here" "$@"
' sh "$root" "$project" "$PWD" "$@"
