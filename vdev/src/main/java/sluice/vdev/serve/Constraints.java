package sluice.vdev.serve;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.device.DmaConstraints;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

/** What a device cannot do, from its options, and what of it cannot be judged. */
final class Constraints {
    private static final Logger LOG = LoggerFactory.getLogger(Constraints.class);
    private static final int LEAST_BITS = 12;
    private static final long PAGE = 4096;
    private static final long MOST_SEGMENT = 0xffff_ffffL;

    private Constraints() {}

    /** @throws WrongOptionException one has a value that it cannot have; the sentence gives the range */
    static DmaConstraints of(DeviceOptions options) throws WrongOptionException {
        DmaConstraints none = DmaConstraints.NONE;
        return new DmaConstraints(dmaMask(options), options.number("max-segment-size", none.maxSegmentSize(), PAGE,
                MOST_SEGMENT), (int) options.number("max-segments", none.maxSegments(), 1, Integer.MAX_VALUE),
                boundary(options), options.isGiven("contiguous"));
    }

    private static long dmaMask(DeviceOptions options) throws WrongOptionException {
        String given = options.text("dma-mask");
        if (given == null) return -1;
        long number = unsigned(given);
        if (number >= LEAST_BITS && number <= Long.SIZE) return -1L >>> (Long.SIZE - number);
        if (DmaConstraints.isMask(number)) return number;
        throw new WrongOptionException(
                "dma-mask=%s: give the number of address bits, 12 to 64, or a mask of the form 2^n-1, from 0xfff to 0xffffffffffffffff"
                        .formatted(given));
    }

    private static long boundary(DeviceOptions options) throws WrongOptionException {
        String given = options.text("boundary");
        if (given == null) return -1;
        long mask = unsigned(given);
        if (DmaConstraints.isMask(mask)) return mask;
        throw new WrongOptionException(
                "boundary=%s: give a mask of the form 2^n-1, from 0xfff to 0xffffffffffffffff".formatted(given));
    }

    /** An unsigned number, with 0x a hexadecimal one; 0, which no constraint takes, if it is none. */
    private static long unsigned(String text) {
        try {
            return text.startsWith("0x") ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseUnsignedLong(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** Says what of a PCI function's constraints nothing can be found about. */
    static void tellUnseen(String device, DmaConstraints constraints, boolean witnessed) {
        if (witnessed || !constraints.limitsLists()) return;
        LOG.warn(
                """
                        {}: {}: of these only the DMA mask is judged, because DMA_MAP tells pages and not the segments of a driver's list: \
                        serve a witness beside it (--device=witness) and load its module in the guest""",
                device, constraints);
    }
}
