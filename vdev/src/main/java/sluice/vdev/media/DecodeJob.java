package sluice.vdev.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureMemory;

/**
 * The work of a session for a worker: at most one piece at a time, prepared and judged on the device's loop. It owns the
 * decoder, because a codec library takes long to be loaded, opened and closed.
 */
final class DecodeJob implements CodecJob {
    /** Kinds of work. */
    enum Kind {
        /** Decodes a unit. */
        DECODE,
        /** Copies pictures that were decoded before into CAPTURE buffers. */
        DELIVER,
        /** Ends the stream. */
        DRAIN,
        /** Leaves the stream, so that its pictures are not kept any more. */
        FLUSH,
        /** Closes the decoder. */
        CLOSE
    }

    private static final int STAGING_UNIT = 1 << 16;

    private final PicturePlaces places;
    private @Nullable Decoder decoder;
    private @Nullable CodedFormat decodes;
    private @Nullable Arena stagingArena;
    private @Nullable MemorySegment staging;
    /** Spares that the loop has returned since the last job. */
    private final List<Spare> returned = new ArrayList<>();

    // What is to be done.
    private Kind kind = Kind.DECODE;
    private boolean flush;
    private @Nullable CodedFormat coded;
    private @Nullable MediaBuffer unit;
    /** Memory of the unit, kept from others while it is read. */
    private FrameArena.@Nullable Range held;
    private final Deque<Spare> deliver = new ArrayDeque<>();

    // What was done.
    private boolean unitFailed;
    /** The unit is decoded again when the client has set up its buffers. */
    private boolean repeats;
    private @Nullable Throwable failure;
    private long copied;

    private final JobClock clock = new JobClock();

    DecodeJob(Share share) {
        places = new PicturePlaces(share);
    }

    // ---- on the loop

    /** Begins to prepare. */
    void begin(Kind next, boolean flushBefore) {
        kind = next;
        flush = flushBefore;
        unit = null;
        deliver.clear();
        returned.forEach(places::recycle);
        returned.clear();
        unitFailed = false;
        repeats = false;
        failure = null;
        places.begin(false);
    }

    /** @param again whether the decoder has stopped at it before, for its format */
    void decodeUnit(CodedFormat format, MediaBuffer buffer, boolean again) {
        places.begin(!again);
        coded = format;
        unit = buffer;
        buffer.lend();
        FrameArena.Range range = rangeOf(buffer);
        if (range != null) range.retain();
        held = range;
    }

    /** The memory of the unit, and of pictures, that the job does not use any more. */
    @Override
    public void letGo() {
        FrameArena.Range range = held;
        held = null;
        if (range != null) range.release();
        places.letGo();
    }

    private static FrameArena.@Nullable Range rangeOf(MediaBuffer buffer) {
        PlaneMemory memory = buffer.memory(0);
        return memory == null ? null : memory.range();
    }

    /** CAPTURE buffers for pictures of {@code format}, of which the decoder may keep {@code most} more. */
    void lend(Iterable<MediaBuffer> buffers, FrameLayout layout, PictureFormat format, int most) {
        places.lend(buffers, layout, format, most);
    }

    void deliver(Spare spare) {
        deliver.add(spare);
    }

    Kind kind() {
        return kind;
    }

    List<Outcome> outcomes() {
        return places.outcomes();
    }

    /** Whether its decoder keeps CAPTURE buffers. */
    boolean keepsBuffers() {
        return places.isKept();
    }

    boolean repeats() {
        return repeats;
    }

    boolean unitFailed() {
        return unitFailed;
    }

    @Override
    public @Nullable Throwable failure() {
        return failure;
    }

    @Override
    public long takeCopied() {
        long bytes = copied + places.takeCopied();
        copied = 0;
        return bytes;
    }

    @Override
    public long takeConverted() {
        return places.takeConverted();
    }

    /** A spare's picture was delivered, or is not wanted. */
    void recycle(Spare spare) {
        returned.add(spare);
    }

    /** Whether there is a decoder to be closed. */
    @Override
    public boolean isOpen() {
        return decoder != null || !places.isEmpty() || stagingArena != null;
    }

    @Override
    public @Nullable Thread longerThan(long most) {
        return clock.longerThan(most);
    }

    @Override
    public boolean interruptIfLonger(long most) {
        return clock.interruptIfLonger(most);
    }

    @Override
    public void beginClose() {
        begin(Kind.CLOSE, false);
    }

    // ---- on a worker

    @Override
    public void run() {
        clock.start();
        try {
            work();
        } catch (CodecException e) {
            unitFailed = true;
        } catch (RuntimeException | Error e) {
            failure = e;
        } finally {
            if (clock.stop() && failure == null) failure = new IllegalStateException("it took too long");
        }
    }

    private void work() throws CodecException {
        Decoder present = decoder;
        if (flush && present != null) present.flush();
        switch (kind) {
            case DECODE -> decode();
            case DELIVER -> {
                while (!deliver.isEmpty() && places.deliver(deliver.element()))
                    deliver.remove();
            }
            case DRAIN -> {
                try {
                    if (present != null) drain(present);
                } finally {
                    places.add(Outcome.End.DRAINED);
                }
            }
            case FLUSH -> {
                if (present != null) present.flush();
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
        Decoder present = decoderFor(format);
        long beforeEnd = format.end().before(bytes);
        try {
            if (beforeEnd != 0)
                present.decode(beforeEnd < 0 ? bytes : bytes.asSlice(0, beforeEnd), buffer.timestamp(), places);
        } catch (CodecException e) {
            PictureMemory.Wanted change = places.change();
            if (change == null) {
                unitFailed = true;
            } else {
                drain(present);
                places.add(new Outcome.FormatChange(change.format(), change.pictures()));
                repeats = true;
            }
        }
        if (beforeEnd < 0 || repeats) return;
        try {
            drain(present);
        } finally {
            places.add(Outcome.End.MARKED);
        }
    }

    /** Takes what the decoder has, which keeps nothing then. */
    private void drain(Decoder present) throws CodecException {
        try {
            present.drain(places);
        } finally {
            present.flush();
        }
    }

    private Decoder decoderFor(CodedFormat format) throws CodecException {
        Decoder present = decoder;
        if (present != null && format.equals(decodes)) return present;
        if (present != null) present.close();
        decoder = null;
        Decoder made = format.opener().open(places);
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

    /** Closes the decoder, and frees what pictures use; those that wait for delivery must be recycled before. */
    void close() {
        Decoder present = decoder;
        decoder = null;
        Arena arena = stagingArena;
        stagingArena = null;
        staging = null;
        if (arena != null) arena.close();
        if (present != null) present.close();
        places.freeUnused();
    }
}
