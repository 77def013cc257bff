package sluice.vdev.codec.plain;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureMemory;
import sluice.vdev.codec.PictureSink;
import sluice.vdev.codec.PixelFormat;

/**
 * A decoder of a coding of Sluice's own, in which each unit has a header and a seed of a pattern, or a whole picture
 * ({@link PlainUnit}): to test a device without a codec library. The same units give the same pictures always.
 */
public final class PlainDecoder implements Decoder {
    private static final int BLOCK = 16;
    private static final int MOST_DEAF_MILLIS = 10_000;
    private static final long NANOS_PER_MILLI = 1_000_000;

    /** A unit that is not shown yet, with its picture if that is in the caller's memory. */
    private record Held(PlainUnit unit, MemorySegment bytes, long time, PictureMemory.@Nullable Place place) {}

    private final @Nullable PictureMemory memory;
    private final PriorityQueue<Held> held = new PriorityQueue<>(
            Comparator.comparingLong(one -> Integer.toUnsignedLong(one.unit().order())));
    /** What was shown last is a reference of the next unit. */
    private PictureMemory.@Nullable Place reference;
    private @Nullable PictureFormat told;
    private boolean closed;

    /** A decoder with pictures in memory of its own. */
    public PlainDecoder() {
        this(null);
    }

    /** A decoder with pictures of {@link PixelFormat#YU12} in {@code memory}, if that is not null. */
    public PlainDecoder(@Nullable PictureMemory memory) {
        this.memory = memory;
    }

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
            case PlainUnit.DEAF -> beDeaf(read.seed());
            default -> throw new CodecException("a unit that is broken");
        }
        PictureFormat format = told;
        // Pictures of before a change are complete at the change.
        if (format != null && !format.equals(read.format())) drain(sink);
        if (!read.format().equals(told)) {
            told = read.format();
            sink.format(read.format());
        }
        held.add(new Held(read, bytes, time, placed(read, bytes)));
        while (held.size() > read.delay())
            show(held.remove(), sink);
    }

    private static void spin() throws CodecException {
        while (!Thread.currentThread().isInterrupted())
            Thread.onSpinWait();
        throw new CodecException("interrupted");
    }

    private static void beDeaf(int millis) {
        long end = System.nanoTime() + Math.clamp(millis, 0, MOST_DEAF_MILLIS) * NANOS_PER_MILLI;
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
            Thread.interrupted();
            LockSupport.parkNanos(left);
        }
    }

    /** Decodes in place, or returns null. */
    private PictureMemory.@Nullable Place placed(PlainUnit unit, MemorySegment bytes) throws CodecException {
        if (memory == null || unit.format().pixels() != PixelFormat.YU12) return null;
        PictureMemory.Place place = memory.take(new PictureMemory.Wanted(unit.format(),
                unit.format().width() + BLOCK - 1 & -BLOCK, unit.format().height() + BLOCK - 1 & -BLOCK,
                unit.delay() + 2));
        if (place == null) throw new CodecException("no memory for a picture of " + unit.format());
        unit.draw(bytes, new Picture(unit.format(), place.planes()));
        return place;
    }

    private void refer(PictureMemory.@Nullable Place next) {
        PictureMemory.Place before = reference;
        reference = next;
        if (before != null && memory != null) memory.release(before);
    }

    private void show(Held one, PictureSink sink) {
        PictureMemory.Place place = one.place();
        if (place != null) {
            sink.picture(new Picture(one.unit().format(), place.planes()), one.time(), true);
            refer(place);
            return;
        }
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
        forget();
        told = null;
    }

    @Override
    public void close() {
        closed = true;
        forget();
    }

    private void forget() {
        for (Held one : held) {
            if (one.place() != null && memory != null) memory.release(one.place());
        }
        held.clear();
        refer(null);
    }
}
