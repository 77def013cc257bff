package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.DeviceArgument;

/**
 * An emulated card and its stock driver.
 *
 * @param driver its name in {@code --driver}: the module's name, optionally a colon and a mode
 * @param device the card's name in {@code --device} of {@code ./sluice serve}
 * @param options of the card, without the common options
 * @param modules kernel modules, loaded in this order, each optionally with a space and its parameters
 * @param node part of the video node's name in {@code /sys/class/video4linux}; the first match is used
 * @param scatters whether the card supports scattered pages without an IOMMU
 * @param role how its driver is used
 * @param plugin the jar with the card, or null for a built-in card
 */
record Card(String driver, String device, List<String> options, List<String> modules, String node, boolean scatters,
        Role role, @Nullable Path plugin) {
    /** A built-in card that captures. */
    Card(String driver, String device, List<String> options, List<String> modules, String node, boolean scatters) {
        this(driver, device, options, modules, node, scatters, Role.CAPTURE, null);
    }

    /** The cards with buffers that can be checked byte by byte. */
    static final List<Card> ALL = List.of(
            new Card("saa7134_empress", "vfg7350", List.of("numbered", "bit-rate=24000000"),
                    List.of("saa6752hs", "saa7134", "saa7134-empress"), "empress", true),
            new Card("dt3155", "grabber", List.of("numbered"), List.of("dt3155"), "dt3155", false),
            new Card("tw686x", "tw686x", List.of("numbered", "hold"), List.of("tw686x dma_mode=sg"), "tw6869 video",
                    true),
            new Card("tw686x:contig", "tw686x", List.of("numbered", "hold"), List.of("tw686x dma_mode=contig"),
                    "tw6869 video", false),
            new Card("tw686x:memcpy", "tw686x", List.of("numbered"), List.of("tw686x dma_mode=memcpy"),
                    "tw6869 video", true),
            new Card("virtio_gpu", "gpu", List.of("transport=vfio-user", "blob", "resolution=320x200"),
                    List.of("virtio-gpu"), "", true, Role.SCANOUT, null));

    /** Whether the card has a kernel driver, which makes DMA calls; a user space driver makes none. */
    boolean isTold() {
        return !driver.isEmpty();
    }

    /** Whether a kernel has its driver, or a part of it, in its image. */
    boolean isBuiltInto(GuestKernel kernel) throws IOException {
        for (String module : modules) {
            if (kernel.isBuiltIn(module.split(" ", 2)[0])) return true;
        }
        return false;
    }

    /** Adds its driver to an image. */
    void load(GuestImage.Builder image) {
        modules.forEach(image::moduleLine);
    }

    /** The same card with more options, each {@code OPTION} or {@code OPTION=VALUE}; a value may contain commas. */
    Card with(List<String> more) {
        List<String> all = new ArrayList<>(options);
        for (String option : more) all.add(option.replace(",", ",,"));
        return new Card(driver, device, List.copyOf(all), modules, node, scatters, role, plugin);
    }

    /**
     * Checks its options as far as they are those of every device, before a process serves it.
     *
     * @throws WrongOptionException one has a value that it cannot have; the sentence tells those that it can have
     */
    void requireOptions() throws IOException, WrongOptionException {
        DeviceArgument argument = DeviceArgument.parse(device + "," + String.join(",", options));
        argument.requireCommon(plugin == null && role == Role.CAPTURE);
    }

    /** A short description. */
    String title() {
        return driver.isEmpty() ? device : "%s (driver %s)".formatted(device, driver);
    }
}
