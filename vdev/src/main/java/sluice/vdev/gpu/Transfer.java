package sluice.vdev.gpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;

/**
 * Copies pixels from guest pages into an image, and converts them to our format in the same pass.
 */
final class Transfer {
    private static final ValueLayout.OfInt PIXEL = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Transfer() {}

    /**
     * Copies rows.
     *
     * @param pages beginning with the first row
     * @param targetOffset of the first pixel in the target, in bytes
     * @param targetStride from one row to the next there, in bytes
     * @return bytes copied
     */
    static long copy(Runs pages, Rows rows, PixelFormat format, MemorySegment target, long targetOffset,
            long targetStride) {
        PixelFormat.Order order = format.order();
        if (rows.count() == 1 || (rows.isOneStretch() && targetStride == rows.stride())) {
            copyStretch(pages, 0, rows.bytes(), order, target, targetOffset);
            return rows.bytes();
        }
        for (long row = 0; row < rows.count(); row++) {
            copyStretch(pages, row * rows.stride(), rows.rowBytes(), order, target, targetOffset + row * targetStride);
        }
        return rows.bytes();
    }

    /** Fills as {@link #copy} would from zeroed memory. */
    static long clear(Rows rows, HostImage image, long targetOffset) {
        for (long row = 0; row < rows.count(); row++)
            image.pixels().asSlice(targetOffset + row * rows.stride(), rows.rowBytes()).fill((byte) 0);
        return rows.bytes();
    }

    private static void copyStretch(Runs source, long position, long bytes, PixelFormat.Order order,
            MemorySegment target,
            long targetOffset) {
        if (order == PixelFormat.Order.AS_IS) {
            source.copyTo(position, target, targetOffset, bytes);
            return;
        }
        long done = 0;
        while (done < bytes) {
            int run = source.runAt(position + done);
            long into = position + done - source.start(run);
            long piece = Math.min(bytes - done, source.length(run) - into);
            MemorySegment memory = source.mapping(run).segment();
            long whole = piece & -PixelFormat.BYTES;
            convert(memory, source.offset(run) + into, target, targetOffset + done, whole, order);
            done += whole;
            if (whole < piece) {
                // Backing entries need not be multiples of a pixel: this one straddles two runs.
                done += straddling(source, position + done, order, target, targetOffset + done);
            }
        }
    }

    /** One loop for each order, simple enough to be vectorised. */
    private static void convert(MemorySegment source, long from, MemorySegment target, long to, long bytes,
            PixelFormat.Order order) {
        switch (order) {
            case AS_IS -> MemorySegment.copy(source, from, target, to, bytes);
            case REVERSED -> {
                for (long i = 0; i < bytes; i += PixelFormat.BYTES) {
                    target.set(PIXEL, to + i, Integer.reverseBytes(source.get(PIXEL, from + i)));
                }
            }
            case RED_FIRST -> {
                for (long i = 0; i < bytes; i += PixelFormat.BYTES) {
                    int pixel = source.get(PIXEL, from + i);
                    target.set(PIXEL, to + i, Integer.rotateRight(Integer.reverseBytes(pixel), 8));
                }
            }
            case ALPHA_FIRST -> {
                for (long i = 0; i < bytes; i += PixelFormat.BYTES) {
                    target.set(PIXEL, to + i, Integer.rotateRight(source.get(PIXEL, from + i), 8));
                }
            }
        }
    }

    private static long straddling(Runs source, long position, PixelFormat.Order order, MemorySegment target, long to) {
        int pixel = 0;
        for (int i = 0; i < PixelFormat.BYTES; i++) {
            int run = source.runAt(position + i);
            long at = source.offset(run) + position + i - source.start(run);
            pixel |= (source.mapping(run).segment().get(ValueLayout.JAVA_BYTE, at) & 0xff) << (8 * i);
        }
        target.set(PIXEL, to, PixelFormat.toOurs(order, pixel));
        return PixelFormat.BYTES;
    }
}
