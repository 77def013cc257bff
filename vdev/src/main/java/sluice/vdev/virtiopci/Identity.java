package sluice.vdev.virtiopci;

import sluice.vdev.pci.ConfigLayout;

/** The PCI identity of a virtio device (virtio 1.3 §4.1.2). */
final class Identity {
    private static final int VENDOR = 0x1af4;
    private static final int FIRST_DEVICE = 0x1040;
    /** 1 or more: a device without the legacy interface. */
    private static final int REVISION = 1;
    /** Subsystem device id of 0x40 or more, so that no legacy driver binds to the function (§4.1.2.1). */
    private static final int SUBSYSTEM = 0x1100;
    private static final int LAST_ID = 0x3f;

    private Identity() {}

    /** The header of configuration space for the device with this virtio id, 1 to 63. */
    static ConfigLayout of(int virtioId) {
        if (virtioId < 1 || virtioId > LAST_ID)
            throw new IllegalArgumentException("virtio id " + virtioId + " has no PCI device id; give 1 to 63");
        return new ConfigLayout(VENDOR, FIRST_DEVICE + virtioId, classCode(virtioId), REVISION).subsystem(VENDOR,
                SUBSYSTEM);
    }

    /**
     * The class code (PCI Code and ID Assignment 1.11): guests match drivers by device id, but firmware, tools and
     * desktops look for a display or a camera by its class.
     */
    private static int classCode(int virtioId) {
        return switch (virtioId) {
            case 1 -> 0x020000; // network: an Ethernet controller
            case 2 -> 0x018000; // block: mass storage of another kind
            case 3 -> 0x078000; // console: communication of another kind
            case 8 -> 0x010000; // SCSI host
            case 9, 26 -> 0x018000; // file systems
            case 16 -> 0x038000; // GPU: a display that is not VGA
            case 18 -> 0x098000; // input of another kind
            case 19 -> 0x078000; // sockets
            case 20 -> 0x108000; // crypto: encryption of another kind
            case 25 -> 0x040100; // sound: audio
            case 30, 31, 48 -> 0x040000; // video encoder, decoder, media: video
            default -> 0x00ff00; // of no class
        };
    }
}
