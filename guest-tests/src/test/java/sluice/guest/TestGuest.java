package sluice.guest;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;

import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.qemu.QemuHint;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A machine with a device of ours, and its guest, which takes commands that must end well.
 *
 * @param backEnd what serves the device; ends after the machine
 */
record TestGuest(Closeable backEnd, Machine machine) implements Closeable {
    static final Duration BOOT = Duration.ofSeconds(60);
    static final Duration WORK = Duration.ofSeconds(60);
    static final Duration SOON = Duration.ofSeconds(10);

    /**
     * Boots a machine and waits until its guest takes commands: no check may depend on one before it that waits.
     *
     * @param backEnd is closed if it cannot be booted
     * @param kernel arguments of the kernel, besides those that let it take commands
     * @param arguments QEMU's, by which the device is attached
     */
    static TestGuest boot(Closeable backEnd, QemuBinary binary, GuestImage image, String kernel, List<String> arguments)
            throws IOException, InterruptedException {
        return new TestGuest(backEnd, Machine.of(binary, image).backEnd(backEnd).kernel(kernel).arguments(arguments)
                .boot(TestQemu.CACHE));
    }

    /** QEMU's arguments for a device over vfio-user, behind another device if that is not empty: an IOMMU must come first. */
    static List<String> vfioUser(Path socket, String behind) {
        List<String> arguments = new ArrayList<>();
        if (!behind.isEmpty()) arguments.addAll(List.of("-device", behind));
        arguments.addAll(List.of("-device", QemuHint.function(socket)));
        return arguments;
    }

    Qemu qemu() {
        return machine.qemu();
    }

    /** Waits until the guest takes commands. */
    void awaitReady() throws IOException, InterruptedException {
        machine.awaitReady();
    }

    /** Runs a command in the guest, which must end well. */
    void run(String command) throws IOException, InterruptedException {
        assertThat(machine.run(command, WORK).status()).as("exit status of: %s", command).isZero();
    }

    /** Waits for the end of a command. */
    void awaitExit(String command, int status) throws IOException, InterruptedException {
        Matcher exit = awaitLine("^SLUICE exit (\\d+)$");
        assertThat(exit.group(1)).as("exit status of: %s", command).isEqualTo(Integer.toString(status));
    }

    /** Waits for the next line that matches. */
    Matcher awaitLine(String expression) throws IOException, InterruptedException {
        return qemu().console().waitFor(expression, WORK);
    }

    /** Stops the machine, and lets it go on at once. */
    void pause() throws IOException, InterruptedException {
        qemu().qmp().execute("stop");
        qemu().qmp().execute("cont");
    }

    /** Reboots, by the guest's kernel. */
    void reboot() throws IOException, InterruptedException {
        qemu().console().send("reboot -f");
        awaitReady();
    }

    /** Powers off, by the guest's kernel; QEMU must end well. */
    void powerOff() throws IOException, InterruptedException {
        qemu().console().send("poweroff -f");
        assertThat(qemu().waitForEnd(WORK)).as("QEMU's status").isZero();
    }

    @Override
    public void close() throws IOException {
        machine.close();
    }
}
