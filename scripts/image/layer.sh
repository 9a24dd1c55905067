#!/bin/sh
# `layer.sh NODE MODULES DIRECTORY`: puts Node, without its symbols, and the libraries that it and the native modules are linked with into
# an empty root file system, with what says which packages of Debian they are, so that a scanner of images finds them. Nothing else
# is in the image: no shell, no package manager. Needs binutils.
set -eu
node=$1
modules=$2
root=$3

mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/var/lib/dpkg/status.d" "$root/app"
strip -o "$root/usr/local/bin/node" "$node"

# Each line of ldd: "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)", and the loader without an arrow.
{
  ldd "$node"
  find "$modules" -name '*.node' -exec ldd {} +
} | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | sort -u | while read -r library; do
  install -D "$(readlink -f "$library")" "$root$library"
  # Debian knows a library by the place it was installed to, which may be a link to where it is.
  package=$(dpkg -S "$library" 2>/dev/null || dpkg -S "$(readlink -f "$library")" 2>/dev/null || true)
  package=${package%%:*}
  [ -z "$package" ] || dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package"
done

# Names are asked by files and then DNS; a numeric user needs no more than this.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'exeunt:x:65532:65532:exeunt:/app:/sbin/nologin' >"$root/etc/passwd"
echo 'exeunt:x:65532:' >"$root/etc/group"
cp -L /etc/os-release "$root/etc/os-release"
# For NODE_EXTRA_CA_CERTS and programs beside it; Node itself brings the same authorities along.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
