# What guests and tests use to work with video, programs of one Debian suite unpacked into the cache folder for packages.sh,
# which sources this file after unpack.sh:
#   video       v4l2-ctl and v4l2-compliance
#   gstreamer   gst-launch-1.0 with the plug-ins that decode by V4L2
#   ffmpeg      ffmpeg, which runs on this system too: the tests' clips are made by it
# shellcheck shell=bash

video_suite=trixie # its user space runs on all kernels of the matrix

video_packages=(v4l-utils libv4l-0t64 libv4lconvert0t64 libv4l2rds0t64 libjpeg62-turbo libudev1 libcap2 libc6 libstdc++6 libgcc-s1)
video_files=(bin/v4l2-ctl bin/v4l2-compliance)

# The packages depend on far more: what their other plug-ins and tools need.
gstreamer_packages=(gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad libgstreamer1.0-0
    libgstreamer-plugins-base1.0-0 libgstreamer-plugins-bad1.0-0 libglib2.0-0t64 libgudev-1.0-0 libudev1 libdrm2 libv4l-0t64 libv4lconvert0t64 libjpeg62-turbo libffi8 libpcre2-8-0
    libmount1 libblkid1 libselinux1 libcap2 liborc-0.4-0t64 libdw1t64 libelf1t64 libunwind8 liblzma5 libbz2-1.0 libzstd1 zlib1g
    libatomic1 libc6 libstdc++6 libgcc-s1)
gstreamer_files=(bin/gst-launch-1.0 bin/gst-inspect-1.0)
for plugin in coreelements debugutilsbad video4linux2 videoparsersbad; do
    gstreamer_files+=("lib/x86_64-linux-gnu/gstreamer-1.0/libgst$plugin.so")
done

# ffmpeg's program needs all libraries that any of its filters and devices has; these packages only data, or a screen.
ffmpeg_without='^(libllvm|mesa-|libz3|fonts-|xkb-data|shared-mime-info|iso-codes|fontconfig|adduser|systemd|dbus|libgl1-mesa|debconf|perl)'
ffmpeg_files=(bin/ffmpeg)

video_is_unpacked() {
    [ -x "$cache/video/$video_suite/usr/bin/v4l2-compliance" ]
}

gstreamer_is_unpacked() {
    [ -x "$cache/gstreamer/$video_suite/usr/bin/gst-launch-1.0" ]
}

ffmpeg_is_unpacked() {
    [ -x "$cache/ffmpeg/$video_suite/usr/bin/ffmpeg" ]
}

unpack_video() {
    say "downloading and unpacking v4l-utils of $video_suite and its libraries (about 5 MB)"
    unpack_programs video video_packages video_files
}

unpack_gstreamer() {
    say "downloading and unpacking GStreamer of $video_suite and its libraries (about 16 MB)"
    unpack_programs gstreamer gstreamer_packages gstreamer_files
}

unpack_ffmpeg() {
    local all
    say "downloading and unpacking ffmpeg of $video_suite and its libraries (about 90 MB)"
    all=$(apt-get "${private[@]}" -qq -s --no-install-recommends install ffmpeg | sed -n 's/^Inst \(\S*\) .*/\1/p') ||
        fail "the package lists have no ffmpeg of $video_suite."
    # shellcheck disable=SC2034 # read by its name
    mapfile -t ffmpeg_packages < <(grep -vE "$ffmpeg_without" <<<"$all")
    unpack_programs ffmpeg ffmpeg_packages ffmpeg_files
}

# Unpacks, from the package state `private` made by use_suite, files below usr/ and the libraries they need into one folder
# of libraries. The loader detects a missing one at once.
unpack_programs() { # unpack_programs KIND PACKAGES FILES ; the names of arrays
    local kind=$1 all root libraries library file
    local -n packages=$2 files=$3
    begin_folder "$kind"
    root=$unfinished
    all=$root/.all
    mkdir -p "$all" "$root"/usr/{bin,lib64,lib/x86_64-linux-gnu}
    (cd "$root" && apt-get "${private[@]}" -qq download "${packages[@]}") || fail "the packages of $kind could not be downloaded."
    for file in "$root"/*.deb; do
        unpack_package "$file" "$all"
        rm "$file"
    done
    ln -s usr/lib "$root/lib"
    ln -s usr/lib64 "$root/lib64"
    ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/usr/lib64/ld-linux-x86-64.so.2"
    for file in "${files[@]}"; do
        (cd "$all" && cp -L --parents "usr/$file" "$root/") || fail "the packages of $kind have no usr/$file."
        libraries=$(video_libraries "$all" "usr/$file") || fail "$file of $video_suite needs a library that was not unpacked."
        while read -r library; do
            case $library in
            "$all"/*) cp -u -L "$library" "$root/usr/lib/x86_64-linux-gnu/" || fail "$cache is full." ;;
            *) fail "$file of $video_suite needs a library that was not unpacked: $library" ;;
            esac
        done <<<"$libraries"
    done
    chmod -R u=rwX,go=rX "$root"
    rm -rf "$all"
    finish_folder "$kind" "$video_suite"
}

# Prints the path of each library of a file, as found by its loader, and of the loader itself. Debian keeps some in folders
# of their own, which alternatives or the libraries themselves name.
video_libraries() { # video_libraries ROOT FILE
    local folder=$1/usr/lib/x86_64-linux-gnu said
    said=$("$folder/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$folder:$folder/blas:$folder/lapack:$folder/pulseaudio" \
        --list "$1/$2") || return 1
    printf '%s\n' "$folder/ld-linux-x86-64.so.2"
    sed -n '/ld-linux-x86-64.so.2/d; s/^\s*\S* => \(\S.*\) (0x.*/\1/p; s/^\s*\(\S*\) => not found/\1/p' <<<"$said"
}
