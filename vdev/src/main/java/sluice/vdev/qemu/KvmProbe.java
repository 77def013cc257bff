package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

import org.jspecify.annotations.Nullable;

/**
 * Whether guests boot under KVM here: a usable device node proves nothing, because nested virtualisation may fail at the first vector
 * instruction. Whoever has booted one remembers the result, which holds until the host is rebooted or another QEMU is used.
 *
 * @param cache where results are kept
 */
public record KvmProbe(CacheFolder cache) {
    /** What KVM is used through. */
    public static final Path DEVICE = Path.of("/dev/kvm");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final String FOLDER = "accelerator";
    private static final String BOOTS = "kvm";
    private static final String FAILS = "tcg";

    /** Whether this user may use it. */
    public static boolean isUsable() {
        return Files.isReadable(DEVICE) && Files.isWritable(DEVICE);
    }

    private static String key(QemuBinary qemu) throws IOException {
        String bootId = Files.exists(BOOT_ID) ? Files.readString(BOOT_ID).strip() : "unknown";
        return bootId + "-" + qemu.version();
    }

    /** Whether a guest has booted under KVM, or null if nobody has tried since the host was booted. */
    public @Nullable Boolean known(QemuBinary qemu) throws IOException {
        Path file = cache.path().resolve(FOLDER).resolve(key(qemu));
        return Files.exists(file) ? (Boolean) Files.readString(file).strip().equalsIgnoreCase(BOOTS) : null;
    }

    /** Remembers it. */
    public void remember(QemuBinary qemu, boolean boots) throws IOException {
        Path folder = cache.folder(FOLDER);
        Path written = Files.createTempFile(folder, "probe-", "");
        Files.write(written, (boots ? BOOTS : FAILS).getBytes(StandardCharsets.UTF_8));
        Files.move(written, folder.resolve(key(qemu)), StandardCopyOption.ATOMIC_MOVE);
    }
}
