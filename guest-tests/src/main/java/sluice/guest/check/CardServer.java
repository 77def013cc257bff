package sluice.guest.check;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;

import sluice.guest.DeviceProcess;
import sluice.guest.Picture;
import sluice.guest.QemuBus;

/** A Sluice process that serves a card and the witness. Closing it ends the process. */
final class CardServer implements Closeable {
    /** Time limit for the report of a profile, under the load of a test run. */
    private static final Duration WRITTEN = Duration.ofSeconds(90);
    private static final String BLOBS = "gpu,transport=vfio-user,blob,resolution=320x200";

    private final DeviceProcess process;
    private final boolean isProfiled;

    private CardServer(DeviceProcess process, boolean isProfiled) {
        this.process = process;
        this.isProfiled = isProfiled;
    }

    /**
     * Starts it and waits until QEMU can connect.
     *
     * @param launcher the command {@code sluice}
     * @param blobs whether it serves a GPU with blobs besides, which exports its buffers
     * @param profile folder of a profile, which is written when it is closed; null for none
     * @throws IOException it ended, or was not ready in time; the message has its output
     */
    static CardServer start(List<String> launcher, Card card, Setup setup, boolean blobs, @Nullable Path profile)
            throws IOException, InterruptedException {
        List<DeviceProcess.Served> served = new ArrayList<>(served(card, setup));
        if (blobs) served.add(1, new DeviceProcess.Served("blobs", BLOBS, true, QemuBus.NONE));
        return new CardServer(DeviceProcess.start(launcher, plugins(card), served, profile), profile != null);
    }

    /** Arguments of {@code sluice serve} for both functions, with sockets and reports in a folder. */
    static List<String> devices(Path folder, Card card, Setup setup) {
        return DeviceProcess.arguments(folder, plugins(card), served(card, setup));
    }

    /** What {@code -device} of QEMU takes for both, with sockets in a folder, in order: the card is the last on the machine's own bus. */
    static List<String> qemuDevices(Path folder, Card card, Setup setup) {
        return DeviceProcess.qemuDevices(folder, served(card, setup));
    }

    private static List<Path> plugins(Card card) {
        @Nullable
        Path plugin = card.plugin();
        return plugin == null ? List.of() : List.of(plugin);
    }

    private static List<DeviceProcess.Served> served(Card card, Setup setup) {
        // Its addresses are guest physical, and so are those of the kernel's devices that are on no bus, for which it is told.
        return List.of(new DeviceProcess.Served("witness", "witness", false, setup.iommu().untranslated()),
                new DeviceProcess.Served("card", "%s,coherency=%s%s".formatted(card.device(),
                        setup.snoops() ? "coherent" : "non-coherent",
                        String.join("", card.options().stream().map(option -> "," + option).toList())),
                        card.role() == Role.SCANOUT, QemuBus.NONE));
    }

    /** QEMU's arguments for both functions. */
    List<String> qemuArguments() {
        return process.qemuArguments();
    }

    /** The current reports of both. */
    Reports reports() throws IOException, InterruptedException {
        List<JsonObject> reports = process.reports();
        return new Reports(reports.getFirst(), reports.getLast());
    }

    /** The picture on the card's screen. */
    Picture picture() throws IOException, InterruptedException {
        return process.picture();
    }

    /** @param card its report, with the findings of the core, which are those of all its devices */
    record Reports(JsonObject witness, JsonObject card) {}

    @Override
    public void close() throws IOException {
        try (process) {
            if (isProfiled) process.end(WRITTEN);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
