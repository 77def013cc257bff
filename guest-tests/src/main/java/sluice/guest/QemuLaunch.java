package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.guest.build.Folders;
import sluice.vdev.qemu.QemuBinary;

/**
 * The command line of a virtual machine, put together step by step: a q35 machine whose memory is a shared memfd, without
 * any default device, its first serial line as the console, QMP, and what the calls add.
 */
public final class QemuLaunch {
    private static final int LEAST_MEMORY = 128;

    private final QemuBinary binary;
    private final List<String> extra = new ArrayList<>();
    private Accelerator accelerator = Accelerator.TCG;
    private int memoryMiB = 512;
    private @Nullable GuestImage image;
    private String kernelArguments = "";
    private boolean qtest;
    private String machineOptions = "";
    private Consumer<String> consoleListener = line -> {};

    /** Starts with a machine of 512 MiB under TCG that boots nothing. */
    public QemuLaunch(QemuBinary binary) {
        this.binary = binary;
    }

    /** Chooses how instructions are run; TCG if not called. */
    public QemuLaunch accelerator(Accelerator chosen) {
        accelerator = chosen;
        return this;
    }

    /** Sets the guest's memory, at least 128 MiB. */
    public QemuLaunch memory(int mebibytes) {
        if (mebibytes < LEAST_MEMORY) {
            throw new IllegalArgumentException("a guest needs " + LEAST_MEMORY + " MiB, not " + mebibytes);
        }
        memoryMiB = mebibytes;
        return this;
    }

    /** Boots an image; the arguments go to the guest's kernel and, as {@code sluice.…}, to its init script. */
    public QemuLaunch boot(GuestImage guest, String arguments) {
        image = guest;
        kernelArguments = arguments;
        return this;
    }

    /**
     * Runs no guest: the CPU halts at its first instruction, and every access comes through {@link Qemu#qtest()}. Nothing may be
     * booted then. (The accelerator "qtest", which has no CPU at all, is not part of every distribution's QEMU.)
     */
    public QemuLaunch qtest() {
        qtest = true;
        return this;
    }

    /** Adds properties of the machine, for example {@code kernel-irqchip=split}. */
    public QemuLaunch machine(String options) {
        machineOptions += "," + options;
        return this;
    }

    /** Adds arguments as they are, for example those of a GPU. */
    public QemuLaunch arguments(List<String> more) {
        extra.addAll(more);
        return this;
    }

    /** Adds arguments as they are. */
    public QemuLaunch arguments(String... more) {
        return arguments(List.of(more));
    }

    /** Shows every console line to somebody, on the reading thread. */
    public QemuLaunch onConsoleLine(Consumer<String> listener) {
        consoleListener = listener;
        return this;
    }

    /**
     * The complete command line.
     *
     * @param folder where the sockets are
     */
    List<String> command(Path folder) {
        List<String> command = new ArrayList<>(List.of(binary.path().toString(), "-name", "sluice", "-no-user-config",
                "-nodefaults", "-display", "none", "-machine", "q35,memory-backend=mem" + machineOptions, "-object",
                "memory-backend-memfd,id=mem,size=" + memoryMiB + "M,share=on", "-m", memoryMiB + "M", "-chardev",
                "stdio,id=console,signal=off", "-serial", "chardev:console", "-chardev",
                "socket,id=qmp,path=" + folder.resolve(Qemu.QMP_SOCKET), "-mon", "chardev=qmp,mode=control"));
        command.addAll(accelerator.arguments());
        if (qtest) {
            // It only ever halts, so the plainest CPU is enough; QEMU 7.2 does not start with -cpu host on every KVM.
            command.addAll(List.of("-cpu", "qemu64", "-bios", folder.resolve(Qemu.IDLE_FIRMWARE).toString(), "-chardev",
                    "socket,id=qtest,path=" + folder.resolve(Qemu.QTEST_SOCKET), "-qtest", "chardev:qtest",
                    "-qtest-log", "/dev/null"));
        }
        if (image != null) {
            command.addAll(List.of("-kernel", image.kernel().image().toString(), "-initrd", image.initrd().toString(),
                    "-append", ("console=ttyS0 panic=-1 quiet " + kernelArguments).strip()));
        }
        command.addAll(extra);
        return command;
    }

    boolean wantsQtest() {
        return qtest;
    }

    Consumer<String> consoleListener() {
        return consoleListener;
    }

    /**
     * Starts the machine and connects QMP (and qtest).
     *
     * @throws IOException QEMU did not start; the message carries what it said
     */
    public Qemu start() throws IOException, InterruptedException {
        if (qtest && image != null) {
            throw new IllegalStateException("a machine under qtest runs no guest: call boot or qtest, not both");
        }
        Path folder = Files.createTempDirectory("sluice-vm-");
        try {
            return Qemu.start(this, folder);
        } catch (IOException | InterruptedException | RuntimeException failure) {
            Folders.delete(folder);
            throw failure;
        }
    }
}
