package sluice.guest;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.qemu.QemuHint;

/**
 * A virtual machine with devices served by Sluice, and a guest that executes commands. Closing it kills the machine,
 * then ends the processes that serve its devices.
 */
public final class Machine implements Closeable {
    /** Until the guest takes commands; a kernel takes some seconds under TCG, and a minute on a host that has ten other things to do. */
    private static final Duration BOOT = Duration.ofMinutes(2);
    /** Time limit for the rest of a kernel's error report. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(5);
    /** Kernel errors. Kernel lines begin with a timestamp, so program output does not match. */
    private static final Pattern BROKEN = Pattern.compile(
            "\\[ *\\d+\\.\\d{6}\\].*?((?:Kernel panic|Oops:|BUG: |general protection fault|Unable to handle kernel|rcu: INFO: .* stall).*)");
    private static final String TIMED = "printk.time=1";

    private final Qemu qemu;
    private final Closeable backEnd;

    private Machine(Qemu qemu, Closeable backEnd) {
        this.qemu = qemu;
        this.backEnd = backEnd;
    }

    /** Starts the description of a machine that boots an image. */
    public static Builder of(QemuBinary binary, GuestImage image) {
        return new Builder(binary, image);
    }

    /** The description of a machine. */
    public static final class Builder {
        private final QemuLaunch launch;
        private final QemuBinary binary;
        private final GuestImage image;
        private final List<String> kernel = new ArrayList<>(List.of("sluice.run=serve", TIMED));
        private Closeable backEnd = () -> {};

        private Builder(QemuBinary binary, GuestImage image) {
            this.binary = binary;
            this.image = image;
            launch = new QemuLaunch(binary);
        }

        /**
         * Adds a QEMU device, in the syntax of {@code -device}. An IOMMU must be added before the devices behind it.
         */
        public Builder device(String description) {
            launch.arguments("-device", description);
            return this;
        }

        /** Adds an IOMMU, and tells the guest's kernel of it; before the devices behind it. */
        public Builder iommu(GuestIommu added) {
            if (!added.device().isEmpty()) device(added.device());
            return kernel(added.kernel());
        }

        /** Adds a PCI function served over vfio-user. */
        public Builder function(Path socket) {
            return device(QemuHint.function(socket));
        }

        /** Adds QEMU arguments unchanged. */
        public Builder arguments(List<String> more) {
            launch.arguments(more);
            return this;
        }

        /** Adds arguments of the guest's kernel, separated by spaces; may be empty. */
        public Builder kernel(String arguments) {
            if (!arguments.isBlank()) kernel.add(arguments.strip());
            return this;
        }

        /** Sets the guest's memory in MiB, at least 128; 512 if not called. */
        public Builder memory(int mebibytes) {
            launch.memory(mebibytes);
            return this;
        }

        /** Closes this after the machine, even if it does not boot: the process that serves its functions. */
        public Builder backEnd(Closeable ended) {
            backEnd = ended;
            return this;
        }

        /**
         * Boots with the fastest accelerator, and waits until the guest accepts commands.
         *
         * @param cache cache of the accelerator probe
         * @throws IOException it does not boot; the message has its last lines
         */
        public Machine boot(CacheFolder cache) throws IOException, InterruptedException {
            Closeable toClose = backEnd;
            try {
                Qemu qemu = launch.accelerator(Accelerator.best(binary, image, cache))
                        .boot(image, String.join(" ", kernel)).start();
                Machine machine = new Machine(qemu, backEnd);
                toClose = machine;
                machine.awaitReady();
                toClose = () -> {};
                return machine;
            } finally {
                toClose.close();
            }
        }
    }

    /**
     * The result of a command.
     *
     * @param status its exit status
     * @param lines lines printed meanwhile, including kernel messages
     */
    public record Done(int status, List<String> lines) {}

    /** The guest's kernel is broken: it has panicked, or reported an error after which it is unreliable. */
    public static final class BrokenKernelException extends IOException {
        private static final long serialVersionUID = 1;

        private BrokenKernelException(String said) {
            super(said);
        }
    }

    /** Answers a command that asks while it runs. */
    @FunctionalInterface
    public interface Answers {
        /** @return the line to send for a line that the command has printed */
        String to(String line) throws IOException, InterruptedException;
    }

    /** Waits until the guest accepts commands, after a boot. */
    public void awaitReady() throws IOException, InterruptedException {
        waitFor("^SLUICE ready$", BOOT);
    }

    /**
     * Runs a command in the guest, with its shell.
     *
     * @return its status and lines; any status is accepted
     * @throws BrokenKernelException the kernel is broken; the message is its first error line
     * @throws IOException timeout, or the guest has ended; the message has the console's last lines
     */
    public Done run(String command, Duration limit) throws IOException, InterruptedException {
        return run(command, limit, "(?!)", line -> line);
    }

    /**
     * The same for a command that asks.
     *
     * @param asks expression of its lines that are to be answered, without groups
     */
    public Done run(String command, Duration limit, String asks, Answers answers)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        int before = console().lines().size();
        console().send(command);
        String expression = "^SLUICE exit (\\d+)$|" + asks;
        Matcher said = awaitExit(expression, limit, deadline);
        while (said.group(1) == null) {
            console().send(answers.to(said.group()));
            said = awaitExit(expression, limit, deadline);
        }
        List<String> lines = console().lines();
        return new Done(Integer.parseInt(said.group(1)), lines.subList(before, lines.size()));
    }

    private Matcher awaitExit(String expression, Duration limit, long deadline)
            throws IOException, InterruptedException {
        try {
            return waitFor(expression, Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
        } catch (BrokenKernelException broken) {
            throw broken;
        } catch (IOException e) {
            String what = qemu.process().isAlive()
                    ? "it did not end within %d s".formatted(limit.toSeconds())
                    : "the machine ended meanwhile";
            throw new IOException(what + "\n" + e.getMessage(), e);
        }
    }

    /** Waits for a line, or for the end of the kernel. */
    private Matcher waitFor(String expression, Duration limit) throws IOException, InterruptedException {
        Matcher found = console().waitFor(expression + "|" + BROKEN.pattern(), limit);
        Matcher broken = BROKEN.matcher(found.group());
        if (!broken.find()) return found;
        BrokenKernelException failure = new BrokenKernelException(broken.group(1));
        try {
            // Collects the rest of the report, until the program that triggered it or the kernel has ended.
            console().waitFor("---\\[ end |^SLUICE exit ", LAST_WORDS);
        } catch (IOException over) {
            failure.addSuppressed(over);
        }
        throw failure;
    }

    /** The guest's first serial line. */
    public Console console() {
        return qemu.console();
    }

    /** The virtual machine itself. */
    public Qemu qemu() {
        return qemu;
    }

    @Override
    public void close() throws IOException {
        try {
            qemu.close();
        } finally {
            backEnd.close();
        }
    }
}
