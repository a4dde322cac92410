#!/bin/sh
# Builds the .deb, unpacks it into a scratch root, and uses it from there as a stranger would: the program of the header's
# comment through pkg-config, a project through find_package, the command line, the element. Nothing may come from the
# build tree. Exits with 77 where the machine lacks a tool.
#   package_test.sh BUILD_FOLDER BUNDLE
set -eu
build=$1
bundle=$2
for tool in cpack dpkg-deb cc pkg-config cmake; do
    command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
[ -f "$bundle/bundle.json" ] || { echo "skipped: no test bundle (make_bundles did not run)"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cpack --config "$build/CPackConfig.cmake" -G DEB -B "$scratch/packages" >"$scratch/cpack.log" 2>&1 ||
    { cat "$scratch/cpack.log"; exit 1; }
package=$(find "$scratch/packages" -maxdepth 1 -name '*.deb')
echo "package: $(basename "$package"), $(du -k "$package" | cut -f1) KiB"
dpkg-deb --field "$package" Package Version Architecture Depends
dpkg-deb --extract "$package" "$scratch/root"
pc=$(find "$scratch/root/usr" -name dgiqa_edge.pc)
export PKG_CONFIG_PATH="${pc%/*}"
libdir=$(pkg-config --variable=libdir dgiqa_edge)
header="$scratch/root/usr/include/dgiqa_edge.h"

# A scratch root is not where the loader looks; the library itself must find what it brings without help.
loader() { env -i HOME="$scratch" PATH=/usr/bin:/bin LD_LIBRARY_PATH="$libdir" "$@"; }
loader ldd "$libdir/libdgiqa_edge.so" >"$scratch/ldd"
if grep -q "not found" "$scratch/ldd"; then cat "$scratch/ldd"; exit 1; fi
for brought in openvino onnxruntime; do  # what the package brings along must come from it
    ls "$libdir"/dgiqa_edge/lib$brought.so* >/dev/null 2>&1 || continue
    if grep "$brought" "$scratch/ldd" | grep -vq "$scratch/root"; then cat "$scratch/ldd"; exit 1; fi
done

sed -n '/#include <dgiqa_edge.h>/,/^ \*     }$/s/^ \*     \{0,1\}//p' "$header" >"$scratch/example.c"
# shellcheck disable=SC2046  # flags are words
cc -std=c99 -Wall -Wextra -Werror "$scratch/example.c" -o "$scratch/example" $(pkg-config --cflags --libs dgiqa_edge)
loader "$scratch/example" "$bundle" >"$scratch/verdicts"
cat "$scratch/verdicts"
[ "$(grep -c '^[01]\.[0-9]* [a-z]* (.*)$' "$scratch/verdicts")" = 10 ]
if loader "$scratch/example" "$scratch/none" >/dev/null 2>"$scratch/message"; then exit 1; fi
grep -q "$scratch/none" "$scratch/message"

mkdir "$scratch/project"
cat >"$scratch/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.18)
project(consumer C)
find_package(dgiqa_edge REQUIRED)
add_executable(consumer ../example.c)
target_link_libraries(consumer PRIVATE dgiqa_edge::dgiqa_edge)
END
cmake -S "$scratch/project" -B "$scratch/project/build" -DCMAKE_PREFIX_PATH="$scratch/root/usr" >"$scratch/cmake.log"
cmake --build "$scratch/project/build" >>"$scratch/cmake.log" || { cat "$scratch/cmake.log"; exit 1; }
loader "$scratch/project/build/consumer" "$bundle" | cmp - "$scratch/verdicts"

command_line="$scratch/root/usr/bin/dgiqa-edge-native"
if [ -x "$command_line" ]; then
    loader "$command_line" info --bundle "$bundle" --json
    # Without the path to the library: the tool finds it beside itself.
    env -i HOME="$scratch" "$command_line" --version
fi
if [ -d "$libdir/gstreamer-1.0" ] && command -v gst-launch-1.0 >/dev/null; then
    env -i HOME="$scratch" PATH=/usr/bin:/bin GST_PLUGIN_PATH="$libdir/gstreamer-1.0" \
        GST_REGISTRY="$scratch/registry" gst-launch-1.0 -q videotestsrc num-buffers=5 ! \
        video/x-raw,width=64,height=48 ! dgiqagate bundle="$bundle" mode=pass ! fakesink
fi
echo "the package works"
