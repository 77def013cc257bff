package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;

/**
 * A card of ours, and the stock driver that drives it.
 *
 * @param driver what {@code --driver} calls it: the module's name, and perhaps a colon and how it is loaded
 * @param device what {@code --device} of {@code ./sluice serve} calls the card
 * @param options of the card, besides those that every device has
 * @param modules of the kernel, to be loaded in this order, each perhaps with a space and its parameters
 * @param node by which the video node is known: a part of its name in {@code /sys/class/video4linux}, the first of several
 * @param scatters whether the card takes buffers of single pages without an IOMMU
 * @param plugin the jar with the card, or null if it is one of Sluice's own
 */
record Card(String driver, String device, List<String> options, List<String> modules, String node, boolean scatters,
        @Nullable Path plugin) {
    /** One of Sluice's own. */
    Card(String driver, String device, List<String> options, List<String> modules, String node, boolean scatters) {
        this(driver, device, options, modules, node, scatters, null);
    }

    /** Cards of which each driver's buffers can be checked byte by byte. */
    static final List<Card> ALL = List.of(
            new Card("saa7134_empress", "vfg7350", List.of("bit-rate=24000000"),
                    List.of("saa6752hs", "saa7134", "saa7134-empress"), "empress", true),
            new Card("dt3155", "grabber", List.of("numbered"), List.of("dt3155"), "dt3155", false),
            new Card("tw686x", "tw686x", List.of("numbered", "hold"), List.of("tw686x dma_mode=sg"), "tw6869 video",
                    true),
            new Card("tw686x:contig", "tw686x", List.of("numbered", "hold"), List.of("tw686x dma_mode=contig"),
                    "tw6869 video", false),
            new Card("tw686x:memcpy", "tw686x", List.of("numbered"), List.of("tw686x dma_mode=memcpy"),
                    "tw6869 video", true));

    /** Whether the kernel's calls tell what the card may do: a driver in user space makes none. */
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

    /** Has an image load its driver. */
    void load(GuestImage.Builder image) {
        for (String module : modules) {
            int space = module.indexOf(' ');
            if (space < 0) {
                image.module(module);
            } else {
                image.module(module.substring(0, space), module.substring(space + 1));
            }
        }
    }

    /** What it is, in a few words. */
    String title() {
        return driver.isEmpty() ? device : "%s (driver %s)".formatted(device, driver);
    }
}
