package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A machine with the grabber, a GPU of QEMU's and perhaps an IOMMU, and its guest, which takes commands.
 *
 * @param statistics where the grabber writes them
 */
record GrabberGuest(Iommu iommu, VhostUserGpu grabber, Qemu qemu, Path statistics) implements AutoCloseable {
    /** More than the card has, because the suites wait for hundreds of pictures. */
    private static final int FRAMES_PER_SECOND = 50;
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration WORK = Duration.ofSeconds(60);
    private static final Duration SOON = Duration.ofSeconds(10);

    /** An IOMMU of a VM. */
    enum Iommu {
        NONE("", ""),
        INTEL("intel-iommu,intremap=off,caching-mode=on", " intel_iommu=on iommu.strict=1"),
        /** Strict, because Linux 7.2 may hang when it powers off: the timer of its lazy mode outlives the IOMMU. */
        VIRTIO("virtio-iommu-pci", " iommu.strict=1");

        /** What {@code -device} adds it; empty for nothing. */
        private final String device;
        private final String kernel;

        Iommu(String device, String kernel) {
            this.device = device;
            this.kernel = kernel;
        }
    }

    /** Starts the grabber, with these options besides, and boots a machine; its guest takes commands. */
    static GrabberGuest boot(Iommu iommu, Path statistics, String... options) throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        List<String> command = TestGpus.deviceCommand("grabber");
        command.addAll(List.of("--stats=" + statistics, "--fps=" + FRAMES_PER_SECOND));
        command.addAll(List.of(options));
        VhostUserGpu grabber = VhostUserGpu.start("the grabber", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        Qemu qemu = null;
        try {
            GuestImage image = GuestImage.forVideo(GuestKernel.forQemu(binary, TestQemu.CACHE), TestQemu.CACHE);
            List<String> arguments = new ArrayList<>();
            // Before the devices that are behind it.
            if (!iommu.device.isEmpty()) arguments.addAll(List.of("-device", iommu.device));
            arguments.addAll(List.of("-device", "virtio-gpu-pci", "-device",
                    "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}}"
                            .formatted(grabber.socket())));
            qemu = new QemuLaunch(binary).accelerator(Accelerator.best(binary, image, TestQemu.CACHE))
                    .boot(image, "sluice.run=serve" + iommu.kernel).arguments(arguments).start();
        } finally {
            if (qemu == null) grabber.close();
        }
        GrabberGuest guest = new GrabberGuest(iommu, grabber, qemu, statistics);
        boolean ready = false;
        try {
            qemu.console().waitFor("^SLUICE ready$", BOOT);
            ready = true;
            return guest;
        } finally {
            if (!ready) guest.close();
        }
    }

    /** Runs a command in the guest, which must end well. */
    void run(String command) throws IOException, InterruptedException {
        qemu.console().send(command);
        awaitExit(command, 0);
    }

    /** Waits for the end of a command. */
    void awaitExit(String command, int status) throws IOException, InterruptedException {
        Matcher exit = awaitLine("^SLUICE exit (\\d+)$");
        assertThat(exit.group(1)).as("exit status of: %s", command).isEqualTo(Integer.toString(status));
    }

    /** Waits for the next line that matches. */
    Matcher awaitLine(String expression) throws IOException, InterruptedException {
        return qemu.console().waitFor(expression, WORK);
    }

    /** The grabber's statistics of now. */
    JsonObject statisticsNow() throws IOException, InterruptedException {
        grabber.signal("USR2");
        grabber.output().waitFor("^statistics ", SOON);
        return lastStatistics();
    }

    /** Those that it has written last: when it ended, if it has. */
    JsonObject lastStatistics() throws IOException {
        return JsonParser.parseString(Files.readString(statistics)).getAsJsonObject();
    }

    /** Bytes that are mapped for the grabber now. */
    long mappedBytes() throws IOException, InterruptedException {
        return statisticsNow().getAsJsonObject("space").get("mappedBytes").getAsLong();
    }

    @Override
    public void close() throws IOException {
        try {
            qemu.close();
        } finally {
            grabber.close();
        }
    }
}
