package sluice.vdev.codec.plain;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.PriorityQueue;

import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureSink;

/**
 * A decoder of a coding of Sluice's own, in which each unit has a header and a seed of a pattern, or a whole picture
 * ({@link PlainUnit}): to test a device without a codec library. The same units give the same pictures always.
 */
public final class PlainDecoder implements Decoder {
    /** A unit that is not shown yet. */
    private record Held(PlainUnit unit, MemorySegment bytes, long time) {}

    private final PriorityQueue<Held> held = new PriorityQueue<>(
            Comparator.comparingLong(one -> Integer.toUnsignedLong(one.unit().order())));
    private @Nullable PictureFormat told;
    private boolean closed;

    @Override
    public void decode(MemorySegment unit, long time, PictureSink sink) throws CodecException {
        if (closed) throw new IllegalStateException("the decoder is closed");
        MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(unit.byteSize())]).copyFrom(unit);
        PlainUnit read = PlainUnit.read(bytes);
        switch (read.deed()) {
            case 0 -> {
                // A good one.
            }
            case PlainUnit.THROWS -> throw new IllegalStateException("a unit that makes its decoder fail");
            case PlainUnit.SPINS -> spin();
            default -> throw new CodecException("a unit that is broken");
        }
        PictureFormat format = told;
        // Pictures of before a change are complete at the change.
        if (format != null && !format.equals(read.format())) drain(sink);
        if (!read.format().equals(told)) {
            told = read.format();
            sink.format(read.format());
        }
        held.add(new Held(read, bytes, time));
        while (held.size() > read.delay())
            show(held.remove(), sink);
    }

    private static void spin() throws CodecException {
        while (!Thread.currentThread().isInterrupted())
            Thread.onSpinWait();
        throw new CodecException("interrupted");
    }

    private static void show(Held one, PictureSink sink) {
        try (Arena arena = Arena.ofConfined()) {
            Picture picture = Picture.allocate(one.unit().format(), arena);
            one.unit().draw(one.bytes(), picture);
            sink.picture(picture, one.time(), true);
        }
    }

    @Override
    public void drain(PictureSink sink) {
        for (Held next = held.poll(); next != null; next = held.poll()) show(next, sink);
    }

    @Override
    public void flush() {
        held.clear();
        told = null;
    }

    @Override
    public void close() {
        closed = true;
        held.clear();
    }
}
