package sluice.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/** QEMU's accelerators. */
public enum Accelerator {
    /** Hardware virtualisation. */
    KVM("-accel kvm -cpu host"),
    /** Binary translation: works everywhere, several times slower. */
    TCG("-accel tcg,thread=multi -cpu max");

    private static final Logger LOG = LoggerFactory.getLogger(Accelerator.class);
    private static final Path DEVICE = Path.of("/dev/kvm");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
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
        if (!Files.isReadable(DEVICE) || !Files.isWritable(DEVICE))
            return TCG;
        String bootId = Files.exists(BOOT_ID) ? Files.readString(BOOT_ID).strip() : "unknown";
        Path known = cache.folder("accelerator").resolve(bootId + "-" + qemu.version());
        if (Files.exists(known))
            return valueOf(Files.readString(known).strip().toUpperCase(Locale.ROOT));
        Accelerator found = boots(qemu, image) ? KVM : TCG;
        Path written = Files.createTempFile(known.getParent(), "probe-", "");
        Files.write(written, found.toString().getBytes(StandardCharsets.UTF_8));
        Files.move(written, known, StandardCopyOption.ATOMIC_MOVE);
        return found;
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
