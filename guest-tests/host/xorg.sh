# The X server that guests run, Xorg with its driver modesetting of one Debian suite, unpacked into the cache folder for packages.sh,
# which sources this file after desktop.sh. shellcheck shell=bash

xorg_suite=trixie # its user space runs on all kernels of the matrix

xorg_packages=(xserver-xorg-core xserver-common libudev1 libpciaccess0 libdrm2 libnettle8t64 libgcrypt20 libgpg-error0 libxcvt0
    libpixman-1-0 libxfont2 libfontenc1 libfreetype6 libpng16-16t64 libbrotli1 libbz2-1.0 zlib1g libxau6 libxdmcp6 libbsd0 libmd0
    libxshmfence1 libsystemd0 libdbus-1-3 libselinux1 libpcre2-8-0 libaudit1 libcap-ng0 libunwind8 liblzma5 libepoxy0 libgbm1
    libexpat1 libgl1 libglvnd0 libglx0 libx11-6 libx11-data libxcb1 libc6 libstdc++6 libgcc-s1 libcap2 libzstd1 xkb-data
    x11-xkb-utils libxkbfile1)
# Files that the guest loads by name, under usr/.
xorg_programs=(lib/xorg/Xorg lib/xorg/modules/drivers/modesetting_drv.so lib/xorg/modules/libshadow.so bin/xkbcomp)
xorg_data=(lib/xorg/protocol.txt share/X11/xkb)

xorg_is_unpacked() {
    [ -x "$cache/xorg/$xorg_suite/usr/lib/xorg/Xorg" ]
}

# Unpacks the server from the package state `private`, made by use_suite: its programs, the libraries they need, their data.
unpack_xorg() {
    unpack_programs xorg "$xorg_suite" Xorg "about 12 MB" xorg_packages xorg_programs xorg_data
}
