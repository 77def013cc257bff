package sluice.vdev.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureSink;

/**
 * The work of a session for a worker: at most one piece at a time, prepared and judged on the device's loop. It owns the
 * decoder, because a codec library takes long to be loaded, opened and closed.
 */
final class DecodeJob implements PictureSink {
    /** Kinds of work. */
    enum Kind {
        /** Decodes a unit. */
        DECODE,
        /** Copies pictures that were decoded before into CAPTURE buffers. */
        DELIVER,
        /** Ends the stream. */
        DRAIN,
        /** Closes the decoder. */
        CLOSE
    }

    /** The most pictures that wait for a buffer: more than any codec reorders. */
    private static final int MOST_SPARES = 64;
    private static final int STAGING_UNIT = 1 << 16;

    private final Share share;
    private final PictureWriter writer = new PictureWriter();
    private @Nullable Decoder decoder;
    private @Nullable CodedFormat decodes;
    private @Nullable Arena stagingArena;
    private @Nullable MemorySegment staging;
    /** Spares of no picture, to be used again: the worker's, and those that the loop has returned since. */
    private final List<Spare> unused = new ArrayList<>();
    private final List<Spare> returned = new ArrayList<>();
    private int spares;

    // What is to be done.
    private Kind kind = Kind.DECODE;
    private boolean flush;
    private @Nullable CodedFormat coded;
    private @Nullable MediaBuffer unit;
    /** Memory of the unit, kept from others while it is read. */
    private FrameArena.@Nullable Range held;
    private @Nullable FrameLayout layout;
    private @Nullable PictureFormat direct;
    private final Deque<MediaBuffer> lent = new ArrayDeque<>();
    private final Deque<Spare> deliver = new ArrayDeque<>();

    // What was done.
    private final List<Outcome> outcomes = new ArrayList<>();
    private boolean spared;
    private boolean unitFailed;
    private @Nullable Throwable failure;
    private long copied;

    // The watchdog's.
    private final Object clock = new Object();
    private @Nullable Thread thread;
    private long startedNanos;

    DecodeJob(Share share) {
        this.share = share;
    }

    // ---- on the loop

    /** Begins to prepare. */
    void begin(Kind next, boolean flushBefore) {
        kind = next;
        flush = flushBefore;
        unit = null;
        direct = null;
        lent.clear();
        deliver.clear();
        outcomes.clear();
        unused.addAll(returned);
        returned.clear();
        spared = false;
        unitFailed = false;
        failure = null;
    }

    void decodeUnit(CodedFormat format, MediaBuffer buffer) {
        coded = format;
        unit = buffer;
        buffer.lend();
        FrameArena.Range range = rangeOf(buffer);
        if (range != null) range.retain();
        held = range;
    }

    /** The unit is not read any more. */
    void releaseUnit() {
        FrameArena.Range range = held;
        held = null;
        if (range != null) range.release();
    }

    private static FrameArena.@Nullable Range rangeOf(MediaBuffer buffer) {
        PlaneMemory memory = buffer.memory(0);
        return memory == null ? null : memory.range();
    }

    /** CAPTURE buffers for pictures of {@code format}. */
    void lend(Iterable<MediaBuffer> buffers, FrameLayout asLaidOut, PictureFormat format) {
        layout = asLaidOut;
        direct = format;
        for (MediaBuffer buffer : buffers) {
            buffer.lend();
            lent.add(buffer);
        }
    }

    void deliver(Spare spare) {
        deliver.add(spare);
    }

    Kind kind() {
        return kind;
    }

    List<Outcome> outcomes() {
        return outcomes;
    }

    boolean unitFailed() {
        return unitFailed;
    }

    @Nullable
    Throwable failure() {
        return failure;
    }

    long takeCopied() {
        long bytes = copied;
        copied = 0;
        return bytes;
    }

    /** A spare's picture was delivered, or is not wanted. */
    void recycle(Spare spare) {
        returned.add(spare);
    }

    /** Whether there is a decoder to be closed. */
    boolean isOpen() {
        return decoder != null || spares > 0 || stagingArena != null;
    }

    /** Interrupts work that takes longer than {@code most} nanoseconds; true if it does. */
    boolean interruptIfLonger(long most) {
        synchronized (clock) {
            Thread present = thread;
            if (present == null || System.nanoTime() - startedNanos < most) return false;
            present.interrupt();
            return true;
        }
    }

    // ---- on a worker

    /** Works; what goes wrong is in {@link #failure}. */
    void run() {
        synchronized (clock) {
            thread = Thread.currentThread();
            startedNanos = System.nanoTime();
        }
        try {
            work();
        } catch (CodecException e) {
            unitFailed = true;
        } catch (RuntimeException | Error e) {
            failure = e;
        } finally {
            copied += writer.takeCopied();
            synchronized (clock) {
                thread = null;
                // The watchdog may have been late: the next job of this thread must not notice.
                boolean late = Thread.interrupted();
                if (late && failure == null) failure = new IllegalStateException("it took too long");
            }
        }
    }

    private void work() throws CodecException {
        Decoder present = decoder;
        if (flush && present != null) present.flush();
        switch (kind) {
            case DECODE -> decode();
            case DELIVER -> {
                while (!deliver.isEmpty() && !lent.isEmpty()) {
                    Spare spare = deliver.remove();
                    put(spare.picture(), spare.time(), spare.key());
                    unused.add(spare);
                }
            }
            case DRAIN -> {
                try {
                    if (present != null) present.drain(this);
                } finally {
                    outcomes.add(Outcome.End.END);
                }
            }
            case CLOSE -> close();
        }
    }

    private void decode() throws CodecException {
        MediaBuffer buffer = unit;
        CodedFormat format = coded;
        if (buffer == null || format == null) throw new IllegalStateException("there is no unit to decode");
        MemorySegment bytes = bytesOf(buffer);
        if (bytes == null) throw new CodecException("the unit cannot be read");
        if (bytes.byteSize() == 0) return;
        decoderFor(format).decode(bytes, buffer.timestamp(), this);
    }

    private Decoder decoderFor(CodedFormat format) throws CodecException {
        Decoder present = decoder;
        if (present != null && format.equals(decodes)) return present;
        if (present != null) present.close();
        decoder = null;
        Decoder made = format.opener().open();
        decoder = made;
        decodes = format;
        return made;
    }

    /** The bytes of a unit: in place if they are in one piece, and copied otherwise. */
    private @Nullable MemorySegment bytesOf(MediaBuffer buffer) {
        long from = buffer.dataOffset(0);
        long length = buffer.bytesUsed(0) - from;
        PlaneMemory memory = buffer.memory(0);
        MemorySegment whole = memory == null ? null : memory.whole();
        if (whole != null) return whole.asSlice(from, length).asReadOnly();
        MemorySegment room = staging(length);
        return buffer.read(0, from, room, length) ? room.asSlice(0, length) : null;
    }

    private MemorySegment staging(long length) {
        MemorySegment present = staging;
        if (present != null && present.byteSize() >= length) return present;
        Arena before = stagingArena;
        if (before != null) before.close();
        Arena arena = Arena.ofShared();
        stagingArena = arena;
        present = arena.allocate(Math.max(STAGING_UNIT, Long.highestOneBit(Math.max(1, length)) * 2), 64);
        staging = present;
        return present;
    }

    @Override
    public void format(PictureFormat format) {
        outcomes.add(new Outcome.FormatChange(format));
    }

    @Override
    public void picture(Picture picture, long time, boolean key) {
        if (spared || lent.isEmpty() || !picture.format().equals(direct)) {
            spare(picture, time, key);
        } else {
            put(picture, time, key);
        }
    }

    private void put(Picture picture, long time, boolean key) {
        MediaBuffer buffer = lent.remove();
        FrameLayout target = layout;
        if (target == null) throw new IllegalStateException("a buffer without a layout");
        boolean done = writer.write(picture, buffer, target);
        buffer.setPicture(time, key, !done);
        outcomes.add(buffer);
    }

    private void spare(Picture picture, long time, boolean key) {
        spared = true;
        Spare found = null;
        for (int i = unused.size() - 1; i >= 0 && found == null; i--) {
            if (unused.get(i).picture().format().equals(picture.format())) found = unused.remove(i);
        }
        if (found == null) found = allocate(picture.format());
        found.take(picture, time, key);
        outcomes.add(found);
    }

    private Spare allocate(PictureFormat format) {
        freeUnused();
        long bytes = format.bytes();
        if (spares == MOST_SPARES || !share.takeOrTell(Resource.HOST_MEMORY, bytes))
            throw new IllegalStateException(
                    "%d pictures wait for CAPTURE buffers, and there is no memory for another".formatted(spares));
        spares++;
        return new Spare(format);
    }

    private void freeUnused() {
        for (Spare one : unused) {
            long bytes = one.picture().format().bytes();
            one.free();
            spares--;
            share.giveBack(Resource.HOST_MEMORY, bytes);
        }
        unused.clear();
    }

    /** Closes the decoder, and frees what pictures use; those that wait for delivery must be recycled before. */
    void close() {
        freeUnused();
        Decoder present = decoder;
        decoder = null;
        Arena arena = stagingArena;
        stagingArena = null;
        staging = null;
        if (arena != null) arena.close();
        if (present != null) present.close();
    }
}
