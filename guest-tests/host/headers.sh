# Headers and build programs for kernel modules of the guests' kernels, unpacked into the cache folder for packages.sh,
# which sources this file after unpack.sh. The compiler is this system's own. shellcheck shell=bash

# Debian's build programs are from its newest suite and need that suite's C library; a module needs only these two.
headers_programs=(tools/objtool/objtool.real-x86 scripts/mod/modpost.real-lsb-64)
headers_libraries=(ld-linux-x86-64.so.2 libc.so.6 libelf.so.1 libz.so.1 libzstd.so.1)

headers_are_unpacked() { # headers_are_unpacked LINK ; of the kernel that LINK points to
    local release
    release=$(readlink "$cache/kernel/$1" 2>/dev/null) || return 1
    [ -e "$cache/headers/$release/build/Makefile" ]
}

# Unpacks the headers of the kernel that kernel/LINK points to, from the package state `private`. Then
# headers/RELEASE/build corresponds to lib/modules/RELEASE/build of an installed kernel.
unpack_headers() { # unpack_headers LINK APT_OPTION...
    local from=("${private[@]}" "${@:2}") release version root kbuild file elf
    release=$(readlink "$cache/kernel/$1")
    version=${release%-amd64}
    [ -n "$(apt-cache "${from[@]}" pkgnames "linux-headers-$release")" ] ||
        fail "the package lists have no linux-headers-$release (any more): delete $cache/kernel/$release and run this again."
    begin_folder headers
    root=$unfinished
    elf=$(apt-cache "${from[@]}" pkgnames libelf1 | sort | grep -xE 'libelf1|libelf1t64' | tail -n 1)
    say "downloading and unpacking linux-headers-$release (about 20 MB)"
    (cd "$root" && apt-get "${from[@]}" -qq download "linux-headers-$release" "linux-headers-$version-common" \
        "linux-kbuild-$version" libc6 zlib1g libzstd1 "$elf") || fail "linux-headers-$release could not be downloaded."
    mkdir -p "$root/.libraries/usr/lib" "$root"/usr/{lib,libraries}
    ln -s usr/lib "$root/.libraries/lib"
    ln -s usr/lib "$root/lib"
    for file in "$root"/*.deb; do
        case $(basename "$file") in
        linux-*) unpack_package "$file" "$root" ;;
        *) unpack_package "$file" "$root/.libraries" ;;
        esac
        rm "$file"
    done
    for file in "${headers_libraries[@]}"; do
        cp -L "$root/.libraries/usr/lib/x86_64-linux-gnu/$file" "$root/usr/libraries/" || fail "linux-headers-$release: no $file."
    done
    rm -rf "$root/.libraries"
    kbuild=$root/usr/lib/linux-kbuild-$version
    for file in "${headers_programs[@]}"; do
        mv "$kbuild/$file" "$kbuild/$file.elf" || fail "linux-kbuild-$version has no $file."
        headers_starter >"$kbuild/$file"
        chmod 755 "$kbuild/$file"
    done
    # Absolute in the package; this folder is elsewhere, and still has to get its name.
    # shellcheck disable=SC2016 # make's, not the shell's
    sed -i -e 's|^KBUILD_OUTPUT=|KBUILD_OUTPUT:=|' \
        -e 's|/usr/src/|$(dir $(realpath $(lastword $(MAKEFILE_LIST))))../|' "$root/usr/src/linux-headers-$release/Makefile"
    ln -s "usr/src/linux-headers-$release" "$root/build"
    finish_folder headers "$release"
}

headers_starter() {
    cat <<'EOT'
#!/bin/sh
# Runs a build program on the libraries of its own Debian suite.
libraries=$(dirname "$(readlink -f "$0")")/../../../../libraries
exec "$libraries/ld-linux-x86-64.so.2" --inhibit-cache --argv0 "$0" --library-path "$libraries" "$0.elf" "$@"
EOT
}
