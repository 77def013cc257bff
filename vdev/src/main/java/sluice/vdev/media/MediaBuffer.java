package sluice.vdev.media;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

/** A buffer of a queue, with the states of videobuf2. Used on the device's loop, except where a worker copies. */
final class MediaBuffer implements Outcome {
    /** States (vb2_buffer_state). */
    enum State {
        /** The client's. */
        DEQUEUED,
        /** The client's, and ready to be queued. */
        PREPARED,
        /** In the queue, or at work. */
        QUEUED,
        /** Its DQBUF event is not delivered yet. */
        DONE
    }

    /** The most bytes that a worker copies before it looks whether the buffer is still its own. */
    static final int CHUNK = 1 << 16;

    private final int index;
    private final int type;
    private final int memoryType;
    private final @Nullable PlaneMemory[] memory;
    private final long[] lengths;
    private final long[] bytesUsed;
    private final long[] dataOffsets;
    private final long[] pointers;
    private State state = State.DEQUEUED;
    /** In nanoseconds, as videobuf2 keeps it. */
    private long timestamp;
    private int flags;
    /** Flags that the client gave its unit, and the timecode. */
    private int marks;
    private final long[] timecode = new long[2];
    /** Of {@link V4l2#BUF_NO_CACHE_CLEAN} and {@link V4l2#BUF_NO_CACHE_INVALIDATE}: what its driver leaves out. */
    private int cacheHints;
    private int sequence;
    /** Grows when a job loses the buffer, and its value when a job got it. Guarded by the buffer. */
    private int epoch;
    private int lent;
    /** Whether a decoder reads or writes its memory. */
    private volatile boolean held;

    MediaBuffer(int index, int type, int memoryType, long[] lengths) {
        this.index = index;
        this.type = type;
        this.memoryType = memoryType;
        this.lengths = lengths;
        memory = new PlaneMemory[lengths.length];
        bytesUsed = new long[lengths.length];
        dataOffsets = new long[lengths.length];
        pointers = new long[lengths.length];
    }

    int index() {
        return index;
    }

    int type() {
        return type;
    }

    boolean isOutput() {
        return type == V4l2.BUF_TYPE_OUTPUT_MPLANE;
    }

    int memoryType() {
        return memoryType;
    }

    int planes() {
        return lengths.length;
    }

    State state() {
        return state;
    }

    void setState(State next) {
        state = next;
    }

    long length(int plane) {
        return lengths[plane];
    }

    void setLength(int plane, long length) {
        lengths[plane] = length;
    }

    /** Whether it has these planes, each at least as long. */
    boolean holds(long[] least) {
        if (least.length != lengths.length) return false;
        for (int i = 0; i < least.length; i++) {
            if (lengths[i] < least[i]) return false;
        }
        return true;
    }

    long bytesUsed(int plane) {
        return bytesUsed[plane];
    }

    long dataOffset(int plane) {
        return dataOffsets[plane];
    }

    void setUsed(int plane, long used, long offset) {
        bytesUsed[plane] = used;
        dataOffsets[plane] = offset;
    }

    void setPointer(int plane, long pointer) {
        pointers[plane] = pointer;
    }

    @Nullable
    PlaneMemory memory(int plane) {
        return memory[plane];
    }

    /** Replaces the memory of a plane, which is released. */
    void setMemory(int plane, @Nullable PlaneMemory next) {
        PlaneMemory before = memory[plane];
        memory[plane] = next;
        if (before != null && !before.equals(next)) before.release();
    }

    /** The range of the arena at an offset of V4L2, or null. */
    FrameArena.@Nullable Range rangeAt(long offset) {
        for (PlaneMemory one : memory) {
            FrameArena.Range range = one == null ? null : one.range();
            if (range != null && range.offset() == offset) return range;
        }
        return null;
    }

    long timestamp() {
        return timestamp;
    }

    void setTimestamp(long nanos) {
        timestamp = nanos;
    }

    int marks() {
        return marks;
    }

    long timecode(int half) {
        return timecode[half];
    }

    void setMarks(int next, long first, long second) {
        marks = next;
        timecode[0] = first;
        timecode[1] = second;
    }

    void setFlags(int next) {
        flags = next;
    }

    int flags() {
        return flags;
    }

    /** On a worker: it holds a picture, or what could be written of one. */
    synchronized void setPicture(long time, boolean key, boolean failed) {
        if (lent != epoch) return;
        timestamp = time;
        flags = (key ? V4l2.BUF_KEYFRAME : 0) | (failed ? V4l2.BUF_ERROR : 0);
    }

    /** On a worker: it holds a coded picture of {@code used} bytes, or −1 if that does not fit. */
    synchronized void setCoded(long time, boolean key, long used) {
        if (lent != epoch) return;
        timestamp = time;
        bytesUsed[0] = Math.max(0, used);
        dataOffsets[0] = 0;
        flags = (key ? V4l2.BUF_KEYFRAME : V4l2.BUF_PFRAME) | (used < 0 ? V4l2.BUF_ERROR : 0);
    }

    /** What the flags of its client say of caches of memory that is the guest's, before it is given. */
    void setCacheHints(int given) {
        cacheHints = memoryType == V4l2.MEMORY_USERPTR
                ? given & (V4l2.BUF_NO_CACHE_CLEAN | V4l2.BUF_NO_CACHE_INVALIDATE)
                : 0;
    }

    void setSequence(int number) {
        sequence = number;
    }

    /** QBUF: the device owns the memory. */
    void give() {
        for (PlaneMemory one : memory) {
            if (one != null) one.give((cacheHints & V4l2.BUF_NO_CACHE_CLEAN) == 0);
        }
    }

    /** It goes back to the client: no job copies any more. */
    void takeBack() {
        revoke();
        for (PlaneMemory one : memory) {
            if (one != null) one.takeBack((cacheHints & V4l2.BUF_NO_CACHE_INVALIDATE) == 0);
        }
    }

    /** Releases its memory. */
    void release() {
        revoke();
        for (int i = 0; i < memory.length; i++) setMemory(i, null);
    }

    // ---- jobs

    /** Whether a decoder keeps it, so that it gets no other picture. */
    boolean isHeld() {
        return held;
    }

    void setHeld(boolean now) {
        held = now;
    }

    /** A job gets the buffer. */
    synchronized void lend() {
        lent = epoch;
    }

    /** Whether the job that got it last has not lost it. */
    synchronized boolean isLent() {
        return lent == epoch;
    }

    /** Changes whenever the client gets it back by other means than an event. */
    synchronized int epoch() {
        return epoch;
    }

    /** Jobs that have it lose it; waits for a copy of at most {@link #CHUNK} bytes. */
    synchronized void revoke() {
        epoch++;
    }

    /** On a worker: writes at most {@link #CHUNK} bytes. False if the buffer or its memory is gone. */
    synchronized boolean write(int plane, long offset, MemorySegment source, long from, long length) {
        PlaneMemory target = memory[plane];
        return lent == epoch && target != null && target.write(offset, source, from, length);
    }

    /** On a worker: reads any number of bytes, in chunks. */
    boolean read(int plane, long offset, MemorySegment target, long length) {
        for (long done = 0; done < length; done += CHUNK) {
            long step = Math.min(CHUNK, length - done);
            synchronized (this) {
                PlaneMemory source = memory[plane];
                if (lent != epoch || source == null || !source.read(offset + done, target, done, step)) return false;
            }
        }
        return true;
    }

    // ---- the structure

    /**
     * Writes struct v4l2_buffer and its planes.
     *
     * @param room planes of the array
     */
    void fill(Payload out, int at, int room) {
        out.putU32(at, index);
        out.putU32(at + 4, type);
        out.putU32(at + 8, 0);
        out.putU32(at + 12, flagsNow());
        out.putU32(at + 16, V4l2.FIELD_NONE);
        out.putU64(at + 24, Long.divideUnsigned(timestamp, 1_000_000_000));
        out.putU64(at + 32, Long.remainderUnsigned(timestamp, 1_000_000_000) / 1000);
        out.putU64(at + 40, timecode[0]);
        out.putU64(at + 48, timecode[1]);
        out.putU32(at + 56, sequence);
        out.putU32(at + 60, memoryType);
        out.putU32(at + 72, planes());
        out.putU64(at + 76, 0);
        for (int i = 0; i < Math.min(room, planes()); i++) {
            int plane = at + Struct.Buffer.BYTES + i * Struct.Plane.BYTES;
            FrameArena.Range range = memory[i] == null ? null : memory[i].range();
            out.putU32(plane, (int) bytesUsed[i]);
            out.putU32(plane + 4, (int) lengths[i]);
            out.putU64(plane + 8, range == null ? pointers[i] : range.offset());
            out.putU32(plane + 16, (int) dataOffsets[i]);
            out.clear(plane + 20, Struct.Plane.BYTES - 20);
        }
    }

    private int flagsNow() {
        int now = flags | marks | V4l2.BUF_TIMESTAMP_COPY;
        FrameArena.Range range = memory[0] == null ? null : memory[0].range();
        if (range != null && range.isMapped()) now |= V4l2.BUF_MAPPED;
        return now | switch (state) {
            case DEQUEUED -> 0;
            case PREPARED -> V4l2.BUF_PREPARED;
            case QUEUED -> V4l2.BUF_QUEUED;
            case DONE -> V4l2.BUF_DONE;
        };
    }
}
