# The video tools that guests run, v4l2-ctl and v4l2-compliance of one Debian suite, unpacked into the cache folder for
# packages.sh, which sources this file after desktop.sh.
# shellcheck shell=bash

video_suite=trixie # its user space runs on all kernels of the matrix

video_packages=(v4l-utils libv4l-0t64 libv4lconvert0t64 libv4l2rds0t64 libjpeg62-turbo libudev1 libcap2 libc6 libstdc++6 libgcc-s1)
video_programs=(v4l2-ctl v4l2-compliance)

video_is_unpacked() {
    [ -x "$cache/video/$video_suite/usr/bin/v4l2-compliance" ]
}

# Unpacks the tools from the package state `private`, made by use_suite, with the libraries they need.
unpack_video() {
    local all root library file libraries=()
    begin_folder video
    root=$unfinished
    all=$root/.all
    mkdir "$all"
    say "downloading and unpacking v4l-utils of $video_suite and its libraries (about 5 MB)"
    (cd "$root" && apt-get "${private[@]}" -qq download "${video_packages[@]}") || fail "v4l-utils of $video_suite could not be downloaded."
    for file in "$root"/*.deb; do
        unpack_package "$file" "$all"
        rm "$file"
    done
    mkdir -p "$root"/usr/{bin,lib64}
    ln -s usr/lib "$root/lib"
    ln -s usr/lib64 "$root/lib64"
    ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/usr/lib64/ld-linux-x86-64.so.2"
    for file in "${video_programs[@]}"; do
        mapfile -t -O ${#libraries[@]} libraries < <(desktop_libraries "$all" "$all/usr/bin/$file")
        cp "$all/usr/bin/$file" "$root/usr/bin/"
    done
    for library in "${libraries[@]}"; do
        case $library in
        "$all"/*) (cd "$all" && cp --parents -L "${library#"$all/"}" "$root/") || fail "$cache is full." ;;
        *) fail "v4l-utils of $video_suite needs a library that was not unpacked: $library" ;;
        esac
    done
    chmod -R u=rwX,go=rX "$root"
    rm -rf "$all"
    finish_folder video "$video_suite"
}
