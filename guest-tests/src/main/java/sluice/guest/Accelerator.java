package sluice.guest;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.KvmProbe;
import sluice.vdev.qemu.QemuBinary;

/** QEMU's accelerators. */
public enum Accelerator {
    /** Hardware virtualisation. */
    KVM("-accel kvm -cpu host"),
    /** Binary translation: works everywhere, several times slower. */
    TCG("-accel tcg,thread=multi -cpu max");

    private static final Logger LOG = LoggerFactory.getLogger(Accelerator.class);
    private static final Duration BOOT_LIMIT = Duration.ofSeconds(10);

    private final String arguments;

    Accelerator(String arguments) {
        this.arguments = arguments;
    }

    /** The QEMU arguments that select it. */
    public List<String> arguments() {
        return List.of(arguments.split(" "));
    }

    /**
     * The fastest one that boots a guest here. A usable device node is not sufficient (nested virtualisation may fail
     * at the first vector instruction), so the image is booted once under KVM; the result is cached until the host is
     * rebooted or another QEMU is used.
     */
    public static Accelerator best(QemuBinary qemu, GuestImage image, CacheFolder cache)
            throws IOException, InterruptedException {
        if (!KvmProbe.isUsable()) return TCG;
        KvmProbe probe = new KvmProbe(cache);
        Boolean boots = probe.known(qemu);
        if (boots == null) {
            boots = boots(qemu, image);
            probe.remember(qemu, boots);
        }
        return boots ? KVM : TCG;
    }

    private static boolean boots(QemuBinary qemu, GuestImage image) throws InterruptedException {
        try (Qemu guest = new QemuLaunch(qemu).accelerator(KVM).boot(image, "sluice.run=nothing").start()) {
            guest.console().waitFor("^SLUICE boot", BOOT_LIMIT);
            return true;
        } catch (IOException noBoot) {
            LOG.debug("KVM boots no guest here, so guests run under TCG: {}", noBoot.getMessage());
            return false;
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
