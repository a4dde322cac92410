#!/bin/sh
# Brings ONNX Runtime's headers (MIT) where no package of the system has them: from Debian 13's libonnxruntime-dev, by apt
# with lists of its own, so that nothing of the machine changes. Prints the folder to give as ONNXRUNTIME_ROOT, or nothing
# where the machine has no apt or no way to that package; why goes to standard error.
#   onnxruntime_headers.sh FOLDER
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
[ -f "$folder/include/onnxruntime_cxx_api.h" ] && { echo "$folder"; exit 0; }
without() { echo "no headers of ONNX Runtime ($1): the native runtime takes OpenVINO" >&2; exit 0; }
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || without "no apt"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || without "apt-get install debian-archive-keyring, or give an unpacked release as ONNXRUNTIME_ROOT"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/include"
# The mirror that this machine uses for Debian itself; another system, as JetPack's Ubuntu, uses none.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 2>/dev/null | grep '/debian/*$' | head -n 1)
echo "deb [signed-by=$keyring] ${mirror:-http://deb.debian.org/debian} trixie main" >"$scratch/sources.list"
cat >"$scratch/apt.conf" <<END
Dir::Etc::sourcelist "$scratch/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$scratch/lists";
Dir::Cache "$scratch/cache";
APT::Sandbox::User "root";
END
export APT_CONFIG="$scratch/apt.conf"
cd "$scratch"
{ apt-get update -qq && apt-get download -qq libonnxruntime-dev; } >"$scratch/log" 2>&1 || without "$(tail -n 1 "$scratch/log")"
dpkg-deb --extract libonnxruntime-dev_*.deb "$scratch/root"
cp "$scratch"/root/usr/include/onnxruntime/*.h "$scratch/include/"
cp "$scratch/root/usr/share/doc/libonnxruntime-dev/copyright" "$scratch/include/"
rm -rf "$folder/include" && mv "$scratch/include" "$folder/include"
echo "$folder"
