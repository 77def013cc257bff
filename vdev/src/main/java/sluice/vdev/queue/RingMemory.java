package sluice.vdev.queue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * One area of a ring in guest memory: little-endian fields at offsets. Behind an IOMMU its pages may be scattered.
 *
 * <p>A {@link QueueLayout} is aligned, so that none of its fields straddles two pages. An indirect table may be at any
 * address: its fields are read bytewise where they straddle pages. Only aligned fields are written.
 */
final class RingMemory {
    private static final VarHandle U16 = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Runs runs = new Runs();
    private final Result result = new Result();
    /** The usual case: contiguous memory. */
    private MemorySegment segment = MemorySegment.NULL;
    private long base;
    private boolean whole;
    /** Whether it has been resolved before; if not, it was not unmapped but never mapped. */
    private boolean known;

    /** @param result receives the outcome */
    Outcome resolve(FrontTranslation translation, long address, long bytes, Access access, Result result) {
        runs.clear();
        Outcome outcome = translation.resolve(address, bytes, access, runs, result);
        whole = outcome == Outcome.RESOLVED && runs.count() == 1;
        known |= outcome == Outcome.RESOLVED;
        if (whole) {
            segment = runs.mapping(0).segment();
            base = runs.offset(0);
        }
        return outcome;
    }

    /**
     * Resolves an area of a ring.
     *
     * @return null on success
     */
    @Nullable
    Polled open(FrontTranslation translation, String name, long address, long bytes, Access access) {
        return switch (resolve(translation, address, bytes, access, result)) {
            case RESOLVED -> null;
            case MISS -> new Polled.Stalled(result.address(), access);
            default ->
                new Polled.Broken("%s at 0x%x, %d bytes, is not guest memory%s".formatted(name, address, bytes,
                        reason(result)), known && translation.isRevocable());
        };
    }

    /** Appended to "is not guest memory": the reason of the translation. */
    static String reason(Result result) {
        return result.reason().isEmpty() ? "" : ": " + result.reason();
    }

    private MemorySegment segmentAt(long offset) {
        return whole ? segment : runs.mapping(runs.runAt(offset)).segment();
    }

    private long within(long offset) {
        if (whole)
            return base + offset;
        int run = runs.runAt(offset);
        return runs.offset(run) + offset - runs.start(run);
    }

    /** Whether the {@code bytes} at {@code offset} are contiguous in memory. */
    private boolean inOnePiece(long offset, int bytes) {
        if (whole)
            return true;
        int run = runs.runAt(offset);
        return offset + bytes <= runs.start(run) + runs.length(run);
    }

    private long straddling(long offset, int bytes) {
        long number = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            number = (number << 8) | (segmentAt(offset + i).get(ValueLayout.JAVA_BYTE, within(offset + i)) & 0xff);
        }
        return number;
    }

    int u16(long offset) {
        return inOnePiece(offset, 2)
                ? segmentAt(offset).get(SHORT, within(offset)) & 0xffff
                : (int) straddling(offset, 2);
    }

    /** Load-acquire: everything the writer stored before is visible. */
    int u16Acquire(long offset) {
        return (short) U16.getAcquire(segmentAt(offset), within(offset)) & 0xffff;
    }

    int u32(long offset) {
        return inOnePiece(offset, 4)
                ? segmentAt(offset).get(INT, within(offset))
                : (int) straddling(offset, 4);
    }

    long u64(long offset) {
        return inOnePiece(offset, 8) ? segmentAt(offset).get(LONG, within(offset)) : straddling(offset, 8);
    }

    void putU16(long offset, int value) {
        segmentAt(offset).set(SHORT, within(offset), (short) value);
    }

    /** Store-release: makes everything stored before visible to the reader. */
    void putU16Release(long offset, int value) {
        U16.setRelease(segmentAt(offset), within(offset), (short) value);
    }

    void putU32(long offset, int value) {
        segmentAt(offset).set(INT, within(offset), value);
    }
}
