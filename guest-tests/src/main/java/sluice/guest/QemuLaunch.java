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
 * Builds the command line of a virtual machine: a q35 machine with a shared memfd as memory, without default devices,
 * with its first serial line as console, QMP, and the additions of the calls.
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

    /** Starts with a machine of 512 MiB under TCG without a guest. */
    public QemuLaunch(QemuBinary binary) {
        this.binary = binary;
    }

    /** Selects the accelerator; TCG if not called. */
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
     * Runs no guest: the CPU halts at its first instruction, and all accesses come from {@link Qemu#qtest()}. Excludes
     * {@link #boot}. (Not all distributions' QEMUs have the accelerator "qtest", which has no CPU.)
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

    /** Adds arguments unchanged, for example those of a GPU. */
    public QemuLaunch arguments(List<String> more) {
        extra.addAll(more);
        return this;
    }

    /** Adds arguments unchanged. */
    public QemuLaunch arguments(String... more) {
        return arguments(List.of(more));
    }

    /** Passes every console line to a listener, on the reading thread. */
    public QemuLaunch onConsoleLine(Consumer<String> listener) {
        consoleListener = listener;
        return this;
    }

    /**
     * The complete command line.
     *
     * @param folder folder of the sockets
     */
    List<String> command(Path folder) {
        List<String> command = new ArrayList<>(List.of(binary.path().toString(), "-name", "sluice", "-no-user-config",
                "-nodefaults", "-display", "none", "-machine", "q35,memory-backend=mem" + machineOptions, "-object",
                "memory-backend-memfd,id=mem,size=" + memoryMiB + "M,share=on", "-m", memoryMiB + "M", "-chardev",
                "stdio,id=console,signal=off", "-serial", "chardev:console", "-chardev",
                "socket,id=qmp,path=" + folder.resolve(Qemu.QMP_SOCKET), "-mon", "chardev=qmp,mode=control"));
        command.addAll(accelerator.arguments());
        if (qtest) {
            // The CPU only halts, so the simplest model is enough; QEMU 7.2 does not start with -cpu host on every KVM.
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
     * @throws IOException QEMU did not start; the message has its output
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
