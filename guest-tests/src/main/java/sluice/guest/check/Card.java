package sluice.guest.check;

import java.util.List;

/**
 * A card of ours, and the stock driver that drives it.
 *
 * @param driver what {@code --driver} calls it: the module's name
 * @param device what {@code --device} of {@code ./sluice serve} calls the card
 * @param options of the card, besides those that every device has
 * @param modules of the kernel, to be loaded in this order
 * @param node by which the video node is known: a part of its name in {@code /sys/class/video4linux}
 * @param scatters whether the card takes buffers of single pages without an IOMMU
 */
record Card(String driver, String device, List<String> options, List<String> modules, String node, boolean scatters) {
    /** Cards of which each driver's buffers can be checked byte by byte. */
    static final List<Card> ALL = List.of(
            new Card("saa7134_empress", "vfg7350", List.of("bit-rate=24000000"),
                    List.of("saa6752hs", "saa7134", "saa7134-empress"), "empress", true));

    /** What it is, in a few words. */
    String title() {
        return "%s (driver %s)".formatted(device, driver);
    }
}
