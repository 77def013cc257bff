# Kernels and QEMUs unpacked into the cache folder, for packages.sh, which sources this file. Installs nothing and needs
# no root. A folder gets its final name only when it is complete. shellcheck shell=bash

unfinished='' # removed at the end, whatever happens
trap 'rm -rf "${unfinished:-$cache/.nothing}"' EXIT

begin_folder() { # begin_folder KIND ; sets `unfinished`
    mkdir -p "$cache/$1"
    rm -rf "$cache/$1"/.partial.*
    unfinished=$cache/$1/.partial.$$
    mkdir "$unfinished"
}

finish_folder() { # finish_folder KIND NAME
    rm -rf "${cache:?}/$1/$2"
    mv "$unfinished" "$cache/$1/$2"
    unfinished=
}

unpack_package() { # unpack_package FILE FOLDER ; documentation and translations stay behind
    dpkg-deb --fsys-tarfile "$1" | tar -x --no-same-owner --keep-directory-symlink --exclude=./usr/share/doc \
        --exclude=./usr/share/man --exclude=./usr/share/locale --exclude=./usr/share/info -C "$2" ||
        fail "$(basename "$1") could not be unpacked; is $cache full?"
}

# --- Kernels ---------------------------------------------------------------------------------------------------------

kernel_is_unpacked() { # kernel_is_unpacked LINK
    local release
    release=$(readlink "$cache/kernel/$1" 2>/dev/null) || return 1
    [ -s "$cache/kernel/$release/boot/vmlinuz-$release" ] && [ -s "$cache/kernel/$release/lib/modules/$release/modules.dep" ]
}

# Unpacks the kernel that linux-image-amd64 depends on in the package state `private`, and points kernel/LINK to it.
unpack_kernel() { # unpack_kernel LINK APT_OPTION...
    local link=$1 from=("${private[@]}" "${@:2}") package release part parts=()
    package=$(apt-cache "${from[@]}" depends --important linux-image-amd64 | sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)$/\1/p' | head -n 1)
    [ -n "$package" ] || fail "the package lists name no kernel behind linux-image-amd64."
    release=${package#linux-image-}
    # From Linux 7 on, Debian has the image, the modules and their lists in packages of their own.
    for part in base binary modules; do
        [ -z "$(apt-cache "${from[@]}" pkgnames "linux-$part-$release")" ] || parts+=("linux-$part-$release")
    done
    begin_folder kernel
    say "downloading and unpacking $package (about 100 MB)"
    (cd "$unfinished" && apt-get "${from[@]}" -qq download "$package" "${parts[@]}") || fail "$package could not be downloaded."
    mkdir -p "$unfinished"/{boot,usr/lib}
    ln -s usr/lib "$unfinished/lib"
    for part in "$unfinished"/*.deb; do
        unpack_package "$part" "$unfinished"
        rm "$part"
    done
    [ -e "$unfinished/boot/vmlinuz-$release" ] || ln -s "../lib/modules/$release/vmlinuz" "$unfinished/boot/vmlinuz-$release"
    PATH=$PATH:/sbin:/usr/sbin depmod -b "$unfinished" "$release" || fail "depmod failed on $package."
    finish_folder kernel "$release"
    ln -s "$release" "$cache/kernel/.$link.$$"
    mv -T "$cache/kernel/.$link.$$" "$cache/kernel/$link"
}

# --- QEMUs -----------------------------------------------------------------------------------------------------------

dbus_display=usr/lib/x86_64-linux-gnu/qemu/ui-dbus.so

qemu_is_unpacked() { # qemu_is_unpacked SUITE
    [ -x "$cache/qemu/$1/qemu-system-x86_64" ] && [ -e "$cache/qemu/$1/root/$dbus_display" ]
}

# The program is started by its own loader with its own libraries, so it runs on this system, can access all files and
# needs no root. /proc/self/exe is then the loader: beside it, QEMU looks for `qemu-bundle`, the root in which it finds
# its modules and firmware. Without that link it would load this system's modules, which are of another version.
starter() { # starter SUITE
    cat <<EOT
#!/bin/sh
# QEMU of Debian's suite $1, unpacked here by Sluice's packages.sh; deleting this folder is safe.
root=\$(dirname "\$(readlink -f "\$0")")/root
libraries=\$root/usr/lib/x86_64-linux-gnu
exec "\$libraries/ld-linux-x86-64.so.2" --inhibit-cache --argv0 "\$0" --library-path "\$libraries" "\$root/usr/bin/qemu-system-x86_64" "\$@"
EOT
}

# Unpacks the QEMU of the package state `private`, made by use_suite, with everything it needs.
unpack_qemu() { # unpack_qemu SUITE
    local root part
    begin_folder qemu
    root=$unfinished/root
    mkdir -p "$unfinished/archives/partial" "$root"/usr/{bin,lib,lib64,sbin}
    for part in bin lib lib64 sbin; do
        ln -s "usr/$part" "$root/$part"
    done
    say "downloading and unpacking QEMU of $1 and its libraries (about 40 MB)"
    apt-get "${private[@]}" -o "Dir::Cache::archives=$unfinished/archives" -qq -y --no-install-recommends --download-only \
        install qemu-system-x86 >/dev/null || fail "QEMU of $1 could not be downloaded."
    for part in "$unfinished"/archives/*.deb; do
        unpack_package "$part" "$root"
    done
    # The tests resize screens through the D-Bus display. Its package depends on all of OpenGL; these are the libraries
    # that it really loads.
    [ -e "$root/$dbus_display" ] || for part in qemu-system-modules-opengl libepoxy0 libgbm1 libdrm2 libexpat1; do
        (cd "$unfinished/archives" && apt-get "${private[@]}" -qq download "$part") || fail "$part of $1 could not be downloaded."
        unpack_package "$(compgen -G "$unfinished/archives/${part}_*.deb")" "$root"
    done
    rm -rf "$unfinished/archives"
    ln -s ../../.. "$root/usr/lib/x86_64-linux-gnu/qemu-bundle"
    starter "$1" >"$unfinished/qemu-system-x86_64"
    chmod 755 "$unfinished/qemu-system-x86_64"
    "$unfinished/qemu-system-x86_64" -display help | grep -q '^dbus$' || fail "QEMU of $1 was unpacked but does not run."
    finish_folder qemu "$1"
}
