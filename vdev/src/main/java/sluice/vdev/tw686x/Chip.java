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

    /** Its number on the PCI bus. */
    int device() {
        return device;
    }

    /** How many channels have a decoder of the chip's own, 4 or 8. */
    int channels() {
        return channels;
    }

    /** Whether all channels have their pages in one pair of lists, each in a part of it, and not in a pair each. */
    boolean sharesLists() {
        return sharesLists;
    }

    /** As options name it: {@code 6869}. */
    String label() {
        return Integer.toHexString(device);
    }
}
