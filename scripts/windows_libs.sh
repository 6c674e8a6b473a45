#!/usr/bin/env bash
# windows_libs.sh FOLDER: the libraries of openekm.dll for Windows x64, static, from the distribution's own sources.
#
#   FOLDER/include, FOLDER/lib   libcurl with Schannel, jansson; cmocka for the tests
#   FOLDER/licences              what their authors say of copying them, NAME.txt each
#   FOLDER/versions.txt          which sources they were made of: name of the .dsc, and its checksum as apt knows it
#   FOLDER/recipe                what they were made by: this script, the toolchain file and the compiler
#
# apt fetches and verifies the sources, over lists of its own in FOLDER: this machine's lists of binary packages, read as
# lists of sources, without what comes from anybody but the distribution. Nothing outside of FOLDER is changed.
#
# What is there already is kept as long as recipe and versions are the same. Whether there is a newer version is asked
# once a day; if nobody answers, what is there will do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sources=(curl jansson cmocka)
toolchain=$here/../cmake/windows.cmake
triplet=x86_64-w64-mingw32
harden=(-O2 -g0 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -D_WIN32_WINNT=0x0A00)

mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$out/work
recipe=$(cat "$0" "$toolchain" <($triplet-gcc-win32 --version) | sha256sum | cut -d ' ' -f 1)

made_by_this() { [ -f "$out/recipe" ] && [ "$(cat "$out/recipe")" = "$recipe" ]; }

apt() {  # apt COMMAND...: apt-get over lists of our own
  apt-get -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" -o Dir::State::lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" -qq "$@"
}

read_lists() {
  local file origin
  rm -rf "$work"
  mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    if [ -f "$file" ]; then sed -nE 's/^deb(-src)?([[:space:]])/deb-src\2/p' "$file"; fi
  done | sort -u >"$work/parts/machine.list"
  for file in /etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ]; then sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$work/parts/$(basename "$file")"; fi
  done
  apt update || return 1
  while read -r file origin; do
    if [ "${origin,,}" != "$(. /etc/os-release && echo "$ID")" ]; then rm -f "$file"*; fi
  done < <(apt indextargets --format '$(FILENAME) $(ORIGIN)' 'Created-By: Sources')
  rm -f "$work"/cache/*.bin
}

wanted_versions() { apt source --print-uris "${sources[@]}" | awk '$2 ~ /\.dsc$/ { print $2, $4 }' | sort; }

build_curl() {  # build_curl FOLDER: its own makefile for Windows, which asks the compiler nothing
  mkdir "$1/lib/$triplet"
  CFLAGS="${harden[*]} -w -ffile-prefix-map=$1=curl" CPPFLAGS="-DCURL_STATICLIB -DHTTP_ONLY" make -s -C "$1/lib" -j "$(nproc)" \
    -f Makefile.mk CFG=-schannel-sspi-ipv6-unicode CC=$triplet-gcc-win32 AR=$triplet-gcc-ar-win32 libcurl.a
  cp -r "$1/include/curl" "$fresh/include"
  cp "$1/lib/libcurl.a" "$fresh/lib"
}

build_with_cmake() {  # build_with_cmake FOLDER TARGET OPTION...
  local from=$1 target=$2
  shift 2
  cmake -G Ninja -S "$from" -B "$from/build-windows" -DCMAKE_TOOLCHAIN_FILE="$toolchain" -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_C_FLAGS="${harden[*]} -ffile-prefix-map=$from=." -DBUILD_SHARED_LIBS=OFF -Wno-dev "$@" >"$from.log" 2>&1
  cmake --build "$from/build-windows" --target "$target" >>"$from.log" || { cat "$from.log" >&2; return 1; }
}

build_jansson() {
  build_with_cmake "$1" jansson -DJANSSON_BUILD_SHARED_LIBS=OFF -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF \
    -DJANSSON_WITHOUT_TESTS=ON
  cp "$1"/build-windows/include/*.h "$fresh/include"
  cp "$1"/build-windows/lib/libjansson.a "$fresh/lib"
}

build_cmocka() {
  build_with_cmake "$1" cmocka-static -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF
  cp "$1"/include/cmocka*.h "$fresh/include"
  cp "$1/build-windows/src/libcmocka-static.a" "$fresh/lib/libcmocka.a"
}

if made_by_this && [ -z "$(find "$out/recipe" -mmin +1440)" ]; then exit 0; fi
if ! read_lists || ! versions=$(wanted_versions) || [ "$(wc -l <<<"$versions")" != "${#sources[@]}" ]; then
  if made_by_this; then echo "windows_libs.sh: nobody says whether there are newer sources; keeping what is there" >&2; exit 0; fi
  echo "windows_libs.sh: apt does not find the sources of ${sources[*]}" >&2
  exit 1
fi
if made_by_this && [ "$versions" = "$(cat "$out/versions.txt")" ]; then
  touch "$out/recipe"
  rm -rf "$work"
  exit 0
fi

fresh=$work/fresh
mkdir -p "$fresh/include" "$fresh/lib" "$fresh/licences"
for source in "${sources[@]}"; do
  echo "windows: $(sed -n "s/^\(${source}_.*\)\.dsc .*/\1/p" <<<"$versions")"
  (cd "$work" && apt source "$source" >"$source.log" 2>&1) || { cat "$work/$source.log" >&2; exit 1; }
  from=$(find "$work" -maxdepth 1 -type d -name "$source-*")
  build_"$source" "$from"
  cp "$from/debian/copyright" "$fresh/licences/$source.txt"
done
rm -rf "$out/include" "$out/lib" "$out/licences" "$out/recipe"
mv "$fresh/include" "$fresh/lib" "$fresh/licences" "$out"
echo "$versions" >"$out/versions.txt"
echo "$recipe" >"$out/recipe"
rm -rf "$work"
