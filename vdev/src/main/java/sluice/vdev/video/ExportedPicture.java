package sluice.vdev.video;

import java.nio.ByteBuffer;
import java.util.ArrayList;
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
 * The last picture of a card as an object of the machine: other devices of the process find it by a UUID and read it in
 * the guest's pages where the card has written it. The object is another buffer after each picture, one of those that the
 * driver gives by turns, so an importer looks it up again for each picture.
 *
 * <p>A guest's program finds the UUID in a vendor-specific capability of the card's configuration space: 'S', 'O' at
 * offset 4, and the 16 bytes of the UUID at offset 8. The object ends with the capture, and its buffers are revoked:
 * without an IOMMU, a driver that frees its pages tells the card nothing more.
 *
 * <p>Used on the card's loop.
 */
public final class ExportedPicture {
    /** The option, to be added to the card's own. */
    public static final DeviceOption OPTION = new DeviceOption("export", "UUID",
            "Other devices of the process find the last picture by this UUID, in place; a GPU makes a resource of it.");

    /** Buffers of a driver: VIDEO_MAX_FRAME of include/uapi/linux/videodev2.h. */
    static final int MOST_BUFFERS = 32;
    /** A buffer, and its place here. */
    private static final long HEAP_BYTES = 2048;
    private static final Logger LOG = LoggerFactory.getLogger(ExportedPicture.class);

    /** Pages into which the card writes by turns. */
    private record Place(AddressRange addresses, DmaBuf buffer) {}

    private final UUID name;
    private final String card;
    private final DmaCore core;
    private final Share share;
    /** The oldest first. */
    private final List<Place> places = new ArrayList<>();
    private final Runs runs = new Runs();
    private final Result result = new Result();
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
        String given = options.text(OPTION.name());
        if (given == null) return null;
        UUID name = parsed(given);
        byte[] uuid = ByteBuffer.allocate(2 * Long.BYTES).putLong(name.getMostSignificantBits())
                .putLong(name.getLeastSignificantBits()).array();
        byte[] body = new byte[5 + uuid.length];
        body[1] = 'S';
        body[2] = 'O';
        System.arraycopy(uuid, 0, body, 5, uuid.length);
        if (!config.addVendorSpecific(body))
            throw new IllegalArgumentException("a configuration space without room for a capability of 24 bytes");
        ExportedPicture made = new ExportedPicture(name, environment);
        environment.closeAtEnd(made::end);
        return made;
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
        return new WrongOptionException("%s=%s: give a UUID, such as that of uuidgen".formatted(OPTION.name(), given));
    }

    /**
     * The card has written a picture: before the driver is told, so that it finds this one.
     *
     * @param memory the card's, by bus addresses
     * @param address of its first byte
     * @param bytes at least 1
     */
    public void delivered(FrontTranslation memory, long address, long bytes) {
        Place place = placeAt(address, bytes);
        if (place == null) place = added(memory, address, bytes);
        if (place == null) core.exported().remove(name);
        else if (!core.exported().add(name, place.buffer)) tell("the machine has too many exported objects");
    }

    private @Nullable Place placeAt(long address, long bytes) {
        for (int i = 0; i < places.size(); i++) {
            AddressRange there = places.get(i).addresses;
            if (there.first() == address && there.size() == bytes) return places.get(i);
        }
        return null;
    }

    private @Nullable Place added(FrontTranslation memory, long address, long bytes) {
        AddressRange range = AddressRange.of(address, bytes);
        unmapped(range); // of another size of picture
        if (places.size() == MOST_BUFFERS) drop(places.removeFirst());
        if (!share.takeOrTell(HEAP, HEAP_BYTES)) return null;
        Place made = null;
        try {
            runs.clear();
            if (memory.resolve(address, bytes, Access.READ, runs, result) != Outcome.RESOLVED) {
                tell("at 0x%x there are no pages that another device could read".formatted(address));
                return null;
            }
            made = new Place(range, core.export(card, bytes, new GuestPages(runs), share));
            places.add(made);
            return made;
        } catch (DmaBufException e) {
            tell(String.valueOf(e.getMessage()));
            return null;
        } finally {
            if (made == null) share.giveBack(HEAP, HEAP_BYTES);
        }
    }

    private void tell(String why) {
        if (!told) LOG.warn("{}: a picture is not exported: {}", card, why);
        told = true;
    }

    /** A range of bus addresses was unmapped: pictures in it are revoked. */
    public void unmapped(AddressRange range) {
        for (int i = places.size() - 1; i >= 0; i--) {
            if (places.get(i).addresses.overlaps(range)) drop(places.remove(i));
        }
    }

    private void drop(Place place) {
        if (place.buffer.equals(core.exported().find(name))) core.exported().remove(name);
        place.buffer.revoke();
        place.buffer.release();
        share.giveBack(HEAP, HEAP_BYTES);
    }

    /** The capture has ended: all pictures are revoked. */
    public void end() {
        while (!places.isEmpty())
            drop(places.removeLast());
    }
}
