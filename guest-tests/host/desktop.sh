# The desktop that guests run, Weston with udev of one Debian suite, unpacked into the cache folder for packages.sh, which
# sources this file after unpack.sh. All kernels of the matrix run it; guest-tests/guest/desktop starts it. shellcheck
# shell=bash

desktop_suite=trixie # its user space runs on all kernels of the matrix

# apt would install 250 packages, for OpenGL, remote screens and videos, which are not used here. These are the packages
# with the libraries of the programs below; the loader detects a missing one at once.
desktop_packages=(weston libweston-14-0 libwayland-server0 libwayland-client0 libpixman-1-0 libxkbcommon0 xkb-data libdrm2
    libgbm1 libva2 libva-drm2 libdisplay-info2 libseat1 libudev1 libinput10 libinput-bin libevdev2 libmtdev1t64 libwacom9
    libglib2.0-0t64 libgudev-1.0-0 libffi8 libc6 libatomic1 libexpat1 libsystemd0 libcap2 libpam0g libaudit1 libcap-ng0
    udev libsystemd-shared libacl1 libblkid1 libkmod2 libmount1 libselinux1 libpcre2-8-0 libcrypt1 libseccomp2 libssl3t64
    libzstd1 zlib1g)
# Files that the guest loads by name, under usr/.
desktop_programs=(bin/weston bin/udevadm lib/x86_64-linux-gnu/libweston-14/drm-backend.so
    lib/x86_64-linux-gnu/weston/kiosk-shell.so)
desktop_data=(share/X11/xkb share/libinput lib/udev/rules.d/50-udev-default.rules lib/udev/rules.d/60-evdev.rules
    lib/udev/rules.d/60-input-id.rules)

desktop_is_unpacked() {
    [ -x "$cache/desktop/$desktop_suite/usr/bin/weston" ]
}

# Unpacks the desktop from the package state `private`, made by use_suite: its programs, the libraries they need, their data.
unpack_desktop() {
    unpack_programs desktop "$desktop_suite" Weston "about 17 MB" desktop_packages desktop_programs desktop_data
}

# Unpacks a root folder with programs, which the guest finds where their packages have them.
unpack_programs() { # unpack_programs KIND SUITE WHAT SIZE PACKAGES PROGRAMS DATA ; the last three are names of arrays
    local -n packages=$5 programs=$6 data=$7
    local all root library file libraries=()
    begin_folder "$1"
    root=$unfinished
    all=$root/.all
    mkdir "$all"
    say "downloading and unpacking $3 of $2 and its libraries ($4)"
    (cd "$root" && apt-get "${private[@]}" -qq download "${packages[@]}") || fail "$3 of $2 could not be downloaded."
    for file in "$root"/*.deb; do
        unpack_package "$file" "$all"
        rm "$file"
    done
    mkdir -p "$root"/usr/lib/{udev,systemd} "$root/usr/lib64"
    ln -s usr/lib "$root/lib"
    ln -s usr/lib64 "$root/lib64"
    ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/usr/lib64/ld-linux-x86-64.so.2"
    for file in "${programs[@]}"; do
        mapfile -t -O ${#libraries[@]} libraries < <(desktop_libraries "$all" "$all/usr/$file")
    done
    for library in "${libraries[@]}"; do
        case $library in
        "$all"/*) (cd "$all" && cp --parents -L "${library#"$all/"}" "$root/") || fail "$cache is full." ;;
        *) fail "$3 of $2 needs a library that was not unpacked: $library" ;;
        esac
    done
    for file in "${programs[@]}" "${data[@]}"; do
        (cd "$all" && cp -a --parents "usr/$file" "$root/") || fail "$3 of $2 has no usr/$file."
    done
    [ ! -e "$root/usr/bin/udevadm" ] || ln -s ../../bin/udevadm "$root/usr/lib/systemd/systemd-udevd"
    chmod -R u=rwX,go=rX "$root"
    rm -rf "$all"
    finish_folder "$1" "$2"
}

# Prints the path of each library of a program, as found by its loader, and of the loader itself.
desktop_libraries() { # desktop_libraries ROOT PROGRAM
    local folder=$1/usr/lib/x86_64-linux-gnu
    printf '%s\n' "$folder/ld-linux-x86-64.so.2"
    "$folder/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$folder:$folder/weston:$folder/systemd" --list "$2" |
        sed -n 's/^\s*\S* => \(\S.*\) (0x.*/\1/p; s/^\s*\(\S*\) => not found/\1/p' | grep -v '/ld-linux-x86-64.so.2$'
}
