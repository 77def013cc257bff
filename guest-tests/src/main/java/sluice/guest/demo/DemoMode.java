package sluice.guest.demo;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.guest.VhostUserGpu;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.InstalledQemu;
import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.qemu.QemuDevice;

/** How the guest's pictures reach the screen. */
enum DemoMode {
    /** The GPU copies what the guest transfers; over vhost-user, with QEMU's screen. */
    COPIES("2d", QemuDevice.VHOST_USER_GPU),
    /** The GPU shows the guest's own pages; over vfio-user, where QEMU does not show its screen. */
    BLOBS("blob", QemuDevice.VFIO_USER),
    /** The GPU shows what a decoder of ours has made of a clip, in the guest's own pages; over vfio-user, both of one process. */
    VIDEO("video", QemuDevice.VFIO_USER);

    private final String option;
    private final QemuDevice device;

    DemoMode(String option, QemuDevice device) {
        this.option = option;
        this.device = device;
    }

    /** The mode of a {@code --mode} value, or null. */
    static @Nullable DemoMode named(String option) {
        for (DemoMode mode : values()) {
            if (mode.option.equals(option)) return mode;
        }
        return null;
    }

    /** Options of our GPU. */
    List<String> gpuOptions() {
        return switch (this) {
            case COPIES -> List.of();
            case BLOBS, VIDEO -> List.of("--blob", "--transport=vfio-user");
        };
    }

    /** Whether QEMU shows what the GPU shows. */
    boolean hasQemuScreen() {
        return device == QemuDevice.VHOST_USER_GPU;
    }

    /** QEMU's arguments that attach the GPU. */
    List<String> attach(VhostUserGpu gpu) {
        if (hasQemuScreen()) return gpu.qemuArguments();
        return List.of("-device", "{\"driver\":\"%s\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}}"
                .formatted(device.model(), gpu.socket()));
    }

    /**
     * The QEMU to use: the given one, the default one, or the first on this host that supports the mode.
     *
     * @throws IOException no QEMU supports the mode
     */
    QemuBinary qemu(@Nullable Path asked, CacheFolder cache) throws IOException, InterruptedException {
        if (hasQemuScreen()) return QemuBinary.find(asked);
        Path named = asked != null ? asked : QemuBinary.setting();
        if (named != null) {
            InstalledQemu qemu = InstalledQemu.of(named, cache);
            if (qemu.devices().contains(device)) return qemu.binary();
            throw new IOException("%s is QEMU %s, which has no %s: --mode=%s needs QEMU 10.1 or later".formatted(named,
                    qemu.binary().version(), device.model(), option));
        }
        List<String> problems = new ArrayList<>();
        for (InstalledQemu qemu : InstalledQemu.all(cache, problems)) {
            if (qemu.devices().contains(device)) return qemu.binary();
        }
        throw new IOException("no QEMU on this host has %s: --mode=%s needs QEMU 10.1 or later, see %s".formatted(
                device.model(), option, "guest-tests/host/packages.sh tests"));
    }
}
