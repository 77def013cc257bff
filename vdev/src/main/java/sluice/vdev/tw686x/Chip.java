package sluice.vdev.tw686x;

/** A chip of the family. */
public enum Chip {
    TW6864(0x6864, 4, true),
    TW6865(0x6865, 4, false),
    TW6868(0x6868, 4, true),
    TW6869(0x6869, 8, false);

    private final int device;
    private final int channels;
    private final boolean sharesLists;

    Chip(int device, int channels, boolean sharesLists) {
        this.device = device;
        this.channels = channels;
        this.sharesLists = sharesLists;
    }

    /** Its PCI device id. */
    int device() {
        return device;
    }

    /** Number of channels with an internal decoder, 4 or 8. */
    int channels() {
        return channels;
    }

    /** Whether all channels share one pair of page lists, instead of a pair each. */
    boolean sharesLists() {
        return sharesLists;
    }

    /** Its name in options: {@code 6869}. */
    String label() {
        return Integer.toHexString(device);
    }
}
