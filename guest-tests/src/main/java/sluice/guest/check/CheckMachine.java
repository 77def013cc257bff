package sluice.guest.check;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.Machine;
import sluice.guest.build.KernelModule;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/** A machine with a card, the witness, and a guest that takes commands. */
final class CheckMachine implements Closeable {
    private final CardServer server;
    private final Machine machine;

    private CheckMachine(CardServer server, Machine machine) {
        this.server = server;
        this.machine = machine;
    }

    /**
     * What the machines of a card boot: its driver behind the witness, exporters, and the programs that use them.
     *
     * @throws IOException something is missing; the message says what provides it
     */
    static GuestImage image(Card card, GuestKernel kernel, CacheFolder cache) throws IOException, InterruptedException {
        GuestImage.Builder image = GuestImage.of(kernel).moduleIfThere("virtio-iommu", "");
        // Before the drivers whose calls it tells, behind the IOMMU's.
        if (KernelNeeds.of(kernel).hasWitness())
            image.module(KernelModule.build(kernel.headers(cache), "witness", cache), "");
        image.moduleIfThere("virtio-gpu", "").compiled("stream.c", "numbered.h");
        card.load(image);
        return image.build(cache);
    }

    /** Starts the card's process and boots. */
    static CheckMachine boot(List<String> launcher, QemuBinary binary, GuestImage image, Card card, Setup setup,
            CacheFolder cache) throws IOException, InterruptedException {
        CardServer server = CardServer.start(launcher, card, setup);
        Machine.Builder builder = Machine.of(binary, image).backEnd(server);
        // Before the devices that are behind it.
        if (!setup.iommu().device().isEmpty()) builder.device(setup.iommu().device());
        return new CheckMachine(server, builder.device("virtio-gpu-pci").arguments(server.qemuArguments())
                .arguments(List.of("-no-reboot")).kernel(setup.kernel()).boot(cache));
    }

    /**
     * Runs a command in the guest.
     *
     * @return its lines
     * @throws IOException as {@link Machine#run} throws it
     */
    Machine.Done run(String command, Duration limit) throws IOException, InterruptedException {
        return machine.run(command, limit);
    }

    /** What the devices have counted and found until now. */
    CardServer.Reports reports() throws IOException, InterruptedException {
        return server.reports();
    }

    /** All that the guest's console has shown. */
    List<String> console() {
        return machine.console().lines();
    }

    @Override
    public void close() throws IOException {
        machine.close();
    }
}
