package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import sluice.vdev.qemu.QemuBinary;

/**
 * A machine with the grabber, a GPU of QEMU's and perhaps an IOMMU, and its guest, which takes commands.
 *
 * @param statistics where the grabber writes them
 */
record GrabberGuest(TestGuest machine, VhostUserGpu grabber, Path statistics) implements AutoCloseable {
    /** More than the card has, because the suites wait for hundreds of pictures. */
    private static final int FRAMES_PER_SECOND = 50;

    /** Starts the grabber, with these options besides, and boots a machine; its guest takes commands. */
    static GrabberGuest boot(GuestIommu iommu, Path statistics, String... options)
            throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        List<String> command = TestGpus.deviceCommand("grabber");
        command.addAll(List.of("--stats=" + statistics, "--fps=" + FRAMES_PER_SECOND));
        command.addAll(List.of(options));
        GuestImage image = GuestImage.forVideo(GuestKernel.forQemu(binary, TestQemu.CACHE), TestQemu.CACHE);
        VhostUserGpu grabber = VhostUserGpu.start("the grabber", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        List<String> arguments = TestGuest.vfioUser(grabber.socket(), iommu.device());
        arguments.addAll(List.of("-device", "virtio-gpu-pci"));
        return new GrabberGuest(TestGuest.boot(grabber, binary, image, iommu.kernel(), arguments), grabber, statistics);
    }

    Qemu qemu() {
        return machine.qemu();
    }

    /** Runs a command in the guest, which must end well. */
    void run(String command) throws IOException, InterruptedException {
        machine.run(command);
    }

    /** Waits for the end of a command. */
    void awaitExit(String command, int status) throws IOException, InterruptedException {
        machine.awaitExit(command, status);
    }

    /** Waits for the next line that matches. */
    Matcher awaitLine(String expression) throws IOException, InterruptedException {
        return machine.awaitLine(expression);
    }

    /** The grabber's statistics of now. */
    JsonObject statisticsNow() throws IOException, InterruptedException {
        grabber.signal("USR2");
        grabber.output().waitFor("^statistics ", TestGuest.SOON);
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
        machine.close();
    }
}
