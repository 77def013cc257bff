package sluice.vdev.loopback;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.RamFile;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.VhostUserBits;

/**
 * What may differ between guests without the device behaving otherwise.
 *
 * @param ring the kind of its queues
 * @param cut  its memory map
 * @param file what its memory is
 * @param bus  how the device is attached to it
 */
public record GuestVariant(RingKind ring, Cut cut, RamFile file, Bus bus) {
    /** What QEMU makes of a guest with a memfd. */
    public static final GuestVariant USUAL = new GuestVariant(RingKind.SPLIT, Cut.TWO_REGIONS, RamFile.SEALED_MEMFD,
            Bus.VHOST_USER);
    /** Whose every property is another one. */
    public static final GuestVariant OPPOSITE = new GuestVariant(RingKind.PACKED, Cut.MANY_REGIONS, RamFile.PLAIN_FILE,
            Bus.VHOST_USER);

    private static final long SEED = 20_261_121;
    private static final long MIB = 1 << 20;

    /** How 32 MiB of memory lie in the guest's address space. */
    public enum Cut {
        ONE_REGION,
        /** The second above 4 GiB. */
        TWO_REGIONS,
        /** As many as a memory table can hold, with holes between them. */
        MANY_REGIONS
    }

    /** How a device is attached. */
    public enum Bus {
        VHOST_USER,
        VFIO_USER
    }

    /** {split, packed} × {one region, many regions} × {sealed memfd, plain file}. */
    public static Stream<GuestVariant> product() {
        return Arrays.stream(RingKind.values())
                .flatMap(ring -> Stream.of(Cut.ONE_REGION, Cut.MANY_REGIONS)
                        .flatMap(cut -> Arrays.stream(RamFile.values())
                                .map(file -> new GuestVariant(ring, cut, file, Bus.VHOST_USER))));
    }

    /** Guests that know the device as a PCI function of its own. */
    public static Stream<GuestVariant> overVfioUser() {
        return Stream.of(new GuestVariant(RingKind.SPLIT, Cut.TWO_REGIONS, RamFile.SEALED_MEMFD, Bus.VFIO_USER),
                new GuestVariant(RingKind.PACKED, Cut.MANY_REGIONS, RamFile.PLAIN_FILE, Bus.VFIO_USER));
    }

    /** The usual guest and its opposite: every property is met once. */
    public static List<GuestVariant> extremes() {
        return List.of(USUAL, OPPOSITE);
    }

    /** Memory for such a guest. */
    GuestRam ram() throws IOException {
        return switch (cut) {
            case ONE_REGION -> GuestRam.single(32 * MIB, SEED, file);
            case TWO_REGIONS -> GuestRam.split(16 * MIB, 16 * MIB, SEED, file);
            case MANY_REGIONS -> GuestRam.holed(8, 4 * MIB, SEED, file);
        };
    }

    /** What its driver accepts of a device on a PCI bus. */
    long pciFeatures(long deviceFeatures) {
        return deviceFeatures | VhostUserBits.F_INDIRECT | VhostUserBits.F_EVENT_IDX | VhostUserBits.F_VERSION_1
                | VhostUserBits.F_ACCESS_PLATFORM | VhostUserBits.F_RING_RESET
                | (ring == RingKind.PACKED ? VhostUserBits.F_RING_PACKED : 0);
    }

    /** A front-end whose driver takes these rings. */
    Profile profile(Profile profile) {
        return ring == RingKind.PACKED ? profile.withForced(VhostUserBits.F_RING_PACKED) : profile;
    }
}
