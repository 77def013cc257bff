package sluice.vdev.video;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

import static sluice.dmacore.budget.Resource.HEAP;

/**
 * The last picture of a card, or of a channel of it, as an object of the machine: other devices of the process find it by a UUID and
 * read it in the guest's pages where the card has written it. The object is another buffer after each picture, one of those that the
 * driver gives by turns, so an importer looks it up again for each picture.
 *
 * <p>A guest's program finds the UUID in a vendor-specific capability of the card's configuration space: 'S', 'O' at
 * offset 4, the number of the channel at offset 6, and the 16 bytes of the UUID at offset 8. The object ends with the capture, and its
 * buffers are revoked: without an IOMMU, a driver that frees its pages tells the card nothing more.
 *
 * <p>Used on the card's loop.
 */
public final class ExportedPicture {
    /** The option's name. */
    public static final String NAME = "export";
    /** The option, to be added to the card's own. */
    public static final DeviceOption OPTION = new DeviceOption(NAME, "UUID",
            "Other devices of the process find the last picture by this UUID, in place; a GPU makes a resource of it.");
    /** The option of a card of several channels. */
    public static final DeviceOption OF_CHANNELS = new DeviceOption(NAME, "UUID",
            "Other devices of the process find the last picture of the first channel by this UUID, in place; a GPU makes a resource of it. Repeated, that of the next channel.",
            true);

    /** Buffers of a driver: VIDEO_MAX_FRAME of include/uapi/linux/videodev2.h. */
    static final int MOST_BUFFERS = 32;
    /** Capabilities for which there is room in a configuration space, beside that of a witness. */
    static final int MOST_CHANNELS = 7;
    /** A buffer, and its place here. */
    private static final long HEAP_BYTES = 2048;
    /** Of each range: its addresses, here and in the buffer. */
    private static final long RANGE_BYTES = 64;
    private static final Logger LOG = LoggerFactory.getLogger(ExportedPicture.class);

    /**
     * Memory into which the card writes by turns.
     *
     * @param ranges pairs of the first bus address and the length in bytes
     */
    private record Place(long[] ranges, DmaBuf buffer) {
        boolean is(long[] others, int count) {
            return Arrays.equals(ranges, 0, ranges.length, others, 0, 2 * count);
        }

        boolean overlaps(long first, long last) {
            for (int i = 0; i < ranges.length; i += 2) {
                if (Long.compareUnsigned(ranges[i], last) <= 0
                        && Long.compareUnsigned(first, ranges[i] + ranges[i + 1] - 1) <= 0)
                    return true;
            }
            return false;
        }

        long heapBytes() {
            return heapBytes(ranges.length / 2);
        }

        static long heapBytes(int count) {
            return HEAP_BYTES + RANGE_BYTES * count;
        }
    }

    private final UUID name;
    private final String card;
    private final DmaCore core;
    private final Share share;
    /** The oldest first. */
    private final List<Place> places = new ArrayList<>();
    private final Runs runs = new Runs();
    private final Result result = new Result();
    private final long[] only = new long[2];
    private boolean told;

    private ExportedPicture(UUID name, DeviceEnvironment environment) {
        this.name = name;
        card = environment.name();
        core = environment.core();
        share = environment.share();
    }

    /**
     * The object that the options ask for, or null.
     *
     * @param config of the card, which gets the capability
     * @throws WrongOptionException the value is no UUID
     */
    public static @Nullable ExportedPicture of(DeviceOptions options, DeviceEnvironment environment, ConfigSpace config)
            throws WrongOptionException {
        List<ExportedPicture> one = ofChannels(options, environment, config, 1);
        return one.isEmpty() ? null : one.getFirst();
    }

    /**
     * The objects that the options ask for, of the first channel and those that follow.
     *
     * @param config of the card, which gets a capability for each
     * @param channels of the card
     * @throws WrongOptionException a value is no UUID, or also given for another channel or device, or there are too many
     */
    public static List<ExportedPicture> ofChannels(DeviceOptions options, DeviceEnvironment environment,
            ConfigSpace config, int channels) throws WrongOptionException {
        List<String> given = options.texts(NAME);
        if (given.size() > channels)
            throw new WrongOptionException(
                    "%s: %d UUIDs are given for %d channels".formatted(NAME, given.size(), channels));
        if (given.size() > MOST_CHANNELS)
            throw new WrongOptionException(
                    "%s: %d UUIDs are given, and the configuration space has room for %d".formatted(
                            NAME, given.size(), MOST_CHANNELS));
        List<ExportedPicture> made = new ArrayList<>();
        for (String text : given) {
            UUID name = parsed(text);
            if (made.stream().anyMatch(other -> other.name.equals(name)))
                throw new WrongOptionException(
                        "%s=%s is given twice: each channel has a name of its own".formatted(NAME, name));
            if (!environment.core().exported().take(name))
                throw new WrongOptionException(
                        "%s=%s is that of another device of this process: each picture has a name of its own".formatted(
                                NAME, name));
            ExportedPicture picture = new ExportedPicture(name, environment);
            environment.closeAtEnd(picture::close);
            if (!config.addVendorSpecific(capability(name, made.size())))
                throw new IllegalArgumentException("a configuration space without room for a capability of 24 bytes");
            made.add(picture);
        }
        return made;
    }

    private static byte[] capability(UUID name, int channel) {
        byte[] uuid = ByteBuffer.allocate(2 * Long.BYTES).putLong(name.getMostSignificantBits())
                .putLong(name.getLeastSignificantBits()).array();
        byte[] body = new byte[5 + uuid.length];
        body[1] = 'S';
        body[2] = 'O';
        body[3] = (byte) channel;
        System.arraycopy(uuid, 0, body, 5, uuid.length);
        return body;
    }

    private static UUID parsed(String given) throws WrongOptionException {
        try {
            UUID name = UUID.fromString(given);
            // fromString also takes shorter groups of digits.
            if (name.toString().equalsIgnoreCase(given)) return name;
        } catch (IllegalArgumentException e) {
            throw wrong(given);
        }
        throw wrong(given);
    }

    private static WrongOptionException wrong(String given) {
        return new WrongOptionException("%s=%s: give a UUID, such as that of uuidgen".formatted(NAME, given));
    }

    /**
     * The card has written a picture: before the driver is told, so that it finds this one.
     *
     * @param memory the card's, by bus addresses
     * @param address of its first byte
     * @param bytes at least 1
     */
    public void delivered(FrontTranslation memory, long address, long bytes) {
        only[0] = address;
        only[1] = bytes;
        delivered(memory, only, 1);
    }

    /**
     * The same for a picture in several places.
     *
     * @param ranges pairs of an address and a length in bytes, at least 1, in the order of the picture's bytes
     * @param count of pairs, at least 1
     */
    public void delivered(FrontTranslation memory, long[] ranges, int count) {
        Place place = placeAt(ranges, count);
        if (place == null) place = added(memory, ranges, count);
        if (place == null) core.exported().remove(name);
        else if (!core.exported().add(name, place.buffer)) tell("the machine has too many exported objects");
    }

    private @Nullable Place placeAt(long[] ranges, int count) {
        for (int i = 0; i < places.size(); i++) {
            if (places.get(i).is(ranges, count)) return places.get(i);
        }
        return null;
    }

    private @Nullable Place added(FrontTranslation memory, long[] ranges, int count) {
        dropOverlapping(ranges[0], ranges[0] + ranges[1] - 1); // of another size of picture
        if (places.size() == MOST_BUFFERS) drop(places.removeFirst());
        if (!share.takeOrTell(HEAP, Place.heapBytes(count))) return null;
        Place made = null;
        try {
            runs.clear();
            for (int i = 0; i < count; i++) {
                if (memory.resolve(ranges[2 * i], ranges[2 * i + 1], Access.READ, runs, result) == Outcome.RESOLVED)
                    continue;
                tell("at 0x%x there are no pages that another device could read".formatted(ranges[2 * i]));
                return null;
            }
            made = new Place(Arrays.copyOf(ranges, 2 * count),
                    core.export(card, runs.bytes(), new GuestPages(runs), share));
            places.add(made);
            return made;
        } catch (DmaBufException e) {
            tell(String.valueOf(e.getMessage()));
            return null;
        } finally {
            if (made == null) share.giveBack(HEAP, Place.heapBytes(count));
        }
    }

    private void tell(String why) {
        if (!told) LOG.warn("{}: a picture is not exported: {}", card, why);
        told = true;
    }

    /** A range of bus addresses was unmapped: pictures in it are revoked. */
    public void unmapped(AddressRange range) {
        dropOverlapping(range.first(), range.last());
    }

    private void dropOverlapping(long first, long last) {
        for (int i = places.size() - 1; i >= 0; i--) {
            if (places.get(i).overlaps(first, last)) drop(places.remove(i));
        }
    }

    private void drop(Place place) {
        if (place.buffer.equals(core.exported().find(name))) core.exported().remove(name);
        place.buffer.revoke();
        place.buffer.release();
        share.giveBack(HEAP, place.heapBytes());
    }

    /** The capture has ended: all pictures are revoked. */
    public void end() {
        while (!places.isEmpty())
            drop(places.removeLast());
    }

    private void close() {
        end();
        core.exported().giveBack(name);
    }
}
