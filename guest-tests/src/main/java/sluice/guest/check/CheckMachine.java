package sluice.guest.check;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import sluice.guest.Accelerator;
import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.Qemu;
import sluice.guest.QemuLaunch;
import sluice.guest.build.KernelModule;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/** A machine with a card, the witness, and a guest that takes commands. */
final class CheckMachine implements Closeable {
    private static final Duration BOOT = Duration.ofSeconds(60);

    private final CardServer server;
    private final Qemu qemu;

    private CheckMachine(CardServer server, Qemu qemu) {
        this.server = server;
        this.qemu = qemu;
    }

    /**
     * What the machines of a card boot: its driver behind the witness, exporters, and the programs that use them.
     *
     * @throws IOException something is missing; the message says what provides it
     */
    static GuestImage image(Card card, GuestKernel kernel, CacheFolder cache) throws IOException, InterruptedException {
        KernelModule witness = KernelModule.build(kernel.headers(cache), "witness", cache);
        // Before the drivers whose calls it tells, behind the IOMMU's.
        GuestImage.Builder image = GuestImage.of(kernel).module("virtio-iommu").module(witness, "")
                .module("virtio-gpu").compiled("stream.c", "numbered.h");
        card.load(image);
        return image.build(cache);
    }

    /** Starts the card's process and boots. */
    static CheckMachine boot(List<String> launcher, QemuBinary binary, GuestImage image, Card card, Setup setup,
            CacheFolder cache) throws IOException, InterruptedException {
        CardServer server = CardServer.start(launcher, card, setup);
        CheckMachine machine = null;
        Qemu qemu = null;
        try {
            List<String> arguments = new ArrayList<>();
            // Before the devices that are behind it.
            if (!setup.iommu().device().isEmpty()) arguments.addAll(List.of("-device", setup.iommu().device()));
            arguments.addAll(List.of("-device", "virtio-gpu-pci"));
            arguments.addAll(server.qemuArguments());
            qemu = new QemuLaunch(binary).accelerator(Accelerator.best(binary, image, cache))
                    .boot(image, ("sluice.run=serve " + setup.kernel()).strip()).arguments(arguments).start();
            qemu.console().waitFor("^SLUICE ready$", BOOT);
            machine = new CheckMachine(server, qemu);
            return machine;
        } finally {
            if (machine == null) {
                if (qemu != null) qemu.close();
                server.close();
            }
        }
    }

    /**
     * Runs a command in the guest.
     *
     * @return its lines
     * @throws IOException it has not ended in time, or the guest has gone; the message carries the console's last lines
     */
    Done run(String command, Duration limit) throws IOException, InterruptedException {
        int before = qemu.console().lines().size();
        qemu.console().send(command);
        int status = Integer.parseInt(qemu.console().waitFor("^SLUICE exit (\\d+)$", limit).group(1));
        List<String> lines = qemu.console().lines();
        return new Done(status, lines.subList(before, lines.size()));
    }

    /**
     * What became of a command.
     *
     * @param status its exit status
     * @param lines what was printed meanwhile, also by the kernel
     */
    record Done(int status, List<String> lines) {}

    /** What the devices have counted and found until now. */
    CardServer.Reports reports() throws IOException, InterruptedException {
        return server.reports();
    }

    /** All that the guest's console has shown. */
    List<String> console() {
        return qemu.console().lines();
    }

    @Override
    public void close() throws IOException {
        try {
            qemu.close();
        } finally {
            server.close();
        }
    }
}
