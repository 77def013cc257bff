package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.PictureMemory;

/** One queue of buffers with the rules of videobuf2 (videobuf2-core.c, videobuf2-v4l2.c). Used on the device's loop. */
final class BufferQueue {
    /** VIDEO_MAX_FRAME. */
    static final int MOST_BUFFERS = 32;
    /** What a buffer costs of the heap. */
    private static final long BUFFER_HEAP = 1024;
    /** Where an ioctl cannot be carried out now: it is repeated when a translation has arrived. */
    static final int RETRY = -1;
    private static final int CAPABILITIES = V4l2.BUF_CAP_MMAP | V4l2.BUF_CAP_USERPTR | V4l2.BUF_CAP_DMABUF
            | V4l2.BUF_CAP_ORPHANED
            | V4l2.BUF_CAP_MAX_NUM | V4l2.BUF_CAP_REMOVE;

    private final int type;
    private final FrameArena arena;
    private final Share share;
    private final GuestBuffers guest;
    private final @Nullable MediaBuffer[] slots = new MediaBuffer[MOST_BUFFERS];
    /** Given by the client and not at work. */
    private final Deque<MediaBuffer> queued = new ArrayDeque<>(MOST_BUFFERS);
    private int count;
    private int memoryType;
    private boolean streaming;

    BufferQueue(int type, FrameArena arena, Share share, GuestBuffers guest) {
        this.type = type;
        this.arena = arena;
        this.share = share;
        this.guest = guest;
    }

    boolean isStreaming() {
        return streaming;
    }

    /** Whether it has buffers, so that its format is fixed. */
    boolean isBusy() {
        return count > 0;
    }

    /** Buffers that wait for work, in the client's order. */
    Deque<MediaBuffer> queued() {
        return queued;
    }

    /** A queued buffer that no decoder keeps, or null. */
    @Nullable
    MediaBuffer free() {
        for (MediaBuffer buffer : queued) {
            if (!buffer.isHeld()) return buffer;
        }
        return null;
    }

    /** How many more buffers a decoder may keep. */
    int roomForDecoder() {
        int held = 0;
        for (MediaBuffer buffer : slots) held += buffer != null && buffer.isHeld() ? 1 : 0;
        return Math.max(0, count - PicturePlaces.NOT_FOR_DECODER - held);
    }

    private boolean isOutput() {
        return type == V4l2.BUF_TYPE_OUTPUT_MPLANE;
    }

    @Nullable
    MediaBuffer at(int index) {
        return index >= 0 && index < slots.length ? slots[index] : null;
    }

    FrameArena.@Nullable Range rangeAt(long offset) {
        for (MediaBuffer buffer : slots) {
            FrameArena.Range range = buffer == null ? null : buffer.rangeAt(offset);
            if (range != null) return range;
        }
        return null;
    }

    private static boolean isKnown(int memory) {
        return memory == V4l2.MEMORY_MMAP || memory == V4l2.MEMORY_USERPTR || memory == V4l2.MEMORY_DMABUF;
    }

    // ---- allocation

    int request(Struct.RequestBuffers request, long[] sizes) {
        int memory = request.memory();
        int wanted = request.count();
        request.setCapabilities(CAPABILITIES);
        if (!isKnown(memory)) return Errno.EINVAL;
        if (streaming) return Errno.EBUSY;
        releaseAll();
        if (wanted == 0) return 0;
        memoryType = memory;
        int made = add(firstFree(), Integer.compareUnsigned(wanted, MOST_BUFFERS) > 0 ? MOST_BUFFERS : wanted, memory,
                sizes);
        if (made == 0) return Errno.ENOMEM;
        request.setCount(made);
        return 0;
    }

    /** @param sizes of the planes that the client wants, none less than the format's */
    int create(Struct.CreateBuffers request, long[] sizes) {
        int memory = request.memory();
        if (!isKnown(memory)) return Errno.EINVAL;
        int first = firstFree();
        if (request.count() == 0) {
            request.set(first, 0, CAPABILITIES, MOST_BUFFERS);
            return 0;
        }
        if (count == MOST_BUFFERS) return Errno.ENOBUFS;
        if (count > 0 && memory != memoryType) return Errno.EINVAL;
        memoryType = memory;
        int room = roomAt(first);
        int made = add(first, Integer.compareUnsigned(request.count(), room) > 0 ? room : request.count(), memory,
                sizes);
        if (made == 0) return Errno.ENOMEM;
        request.set(first, made, CAPABILITIES, MOST_BUFFERS);
        return 0;
    }

    private int firstFree() {
        for (int i = 0; i < slots.length; i++) {
            if (slots[i] == null) return i;
        }
        return slots.length;
    }

    private int roomAt(int first) {
        int end = first;
        while (end < slots.length && slots[end] == null)
            end++;
        return end - first;
    }

    /** Adds up to {@code wanted} buffers at {@code first}, as many as there is memory for. */
    private int add(int first, int wanted, int memory, long[] sizes) {
        for (int i = 0; i < wanted; i++) {
            if (!share.takeOrTell(Resource.HEAP, BUFFER_HEAP)) return i;
            MediaBuffer buffer = new MediaBuffer(first + i, type, memory, sizes.clone());
            if (memory == V4l2.MEMORY_MMAP && !reserve(buffer, sizes)) {
                buffer.release();
                share.giveBack(Resource.HEAP, BUFFER_HEAP);
                return i;
            }
            slots[first + i] = buffer;
            count++;
        }
        return wanted;
    }

    private boolean reserve(MediaBuffer buffer, long[] sizes) {
        for (int plane = 0; plane < sizes.length; plane++) {
            FrameArena.Range range = arena.reserve(sizes[plane], isOutput() ? 0 : PictureMemory.SLACK);
            if (range == null) return false;
            buffer.setMemory(plane, new ArenaMemory(range));
        }
        return true;
    }

    int remove(Struct.RemoveBuffers request) {
        long end = Integer.toUnsignedLong(request.index()) + Integer.toUnsignedLong(request.count());
        if (end > MOST_BUFFERS) return Errno.EINVAL;
        for (int i = request.index(); i < end; i++) {
            MediaBuffer buffer = slots[i];
            if (buffer == null) return Errno.EINVAL;
            if (buffer.state() != MediaBuffer.State.DEQUEUED) return Errno.EBUSY;
        }
        for (int i = request.index(); i < end; i++) release(i);
        return 0;
    }

    private void release(int index) {
        MediaBuffer buffer = slots[index];
        if (buffer == null) return;
        buffer.release();
        slots[index] = null;
        count--;
        share.giveBack(Resource.HEAP, BUFFER_HEAP);
    }

    void releaseAll() {
        queued.clear();
        for (int i = 0; i < slots.length; i++) release(i);
    }

    /** EXPBUF: of MMAP buffers only. */
    int export(Struct.ExportBuffer request) {
        MediaBuffer buffer = at(request.index());
        if (memoryType != V4l2.MEMORY_MMAP || buffer == null || request.plane() < 0
                || request.plane() >= buffer.planes()
                || !(buffer.memory(request.plane()) instanceof ArenaMemory plane))
            return Errno.EINVAL;
        return guest.export(plane, request);
    }

    // ---- queueing

    int query(Struct.Buffer query) {
        MediaBuffer buffer = at(query.index());
        if (buffer == null || !hasPlanes(query, buffer)) return Errno.EINVAL;
        buffer.fill(query.in(), query.at(), query.length());
        return 0;
    }

    /** Whether the array of planes is there, and long enough for the buffer (__verify_planes_array). */
    private static boolean hasPlanes(Struct.Buffer given, MediaBuffer buffer) {
        return given.length() >= buffer.planes() && given.length() <= Struct.MAX_PLANES;
    }

    /** PREPARE_BUF. */
    int prepare(Struct.Buffer given, long[] least) {
        MediaBuffer buffer = at(given.index());
        if ((given.flags() & V4l2.BUF_REQUEST_FD) != 0) return Errno.EINVAL;
        if (buffer == null || given.memory() != memoryType || !hasPlanes(given, buffer)) return Errno.EINVAL;
        if (buffer.state() != MediaBuffer.State.DEQUEUED) return Errno.EINVAL;
        int failed = accept(buffer, given, least);
        if (failed != 0) return failed;
        buffer.setState(MediaBuffer.State.PREPARED);
        buffer.give();
        buffer.fill(given.in(), given.at(), given.length());
        return 0;
    }

    /** QBUF. */
    int queue(Struct.Buffer given, long[] least) {
        MediaBuffer buffer = at(given.index());
        if (buffer == null || given.memory() != memoryType || !hasPlanes(given, buffer)) return Errno.EINVAL;
        if ((given.flags() & V4l2.BUF_REQUEST_FD) != 0) return V4l2.EBADR;
        switch (buffer.state()) {
            case DEQUEUED -> {
                int failed = accept(buffer, given, least);
                if (failed != 0) return failed;
                buffer.give();
            }
            case PREPARED -> {
                // All but its time was given by PREPARE_BUF.
            }
            case QUEUED, DONE -> {
                return Errno.EINVAL;
            }
        }
        buffer.setTimestamp(isOutput() ? given.seconds() * 1_000_000_000 + given.microseconds() * 1000 : 0);
        int marks = isOutput() ? given.flags() & (V4l2.BUF_TIMECODE | V4l2.BUF_TSTAMP_SRC) : 0;
        boolean hasTimecode = (marks & V4l2.BUF_TIMECODE) != 0;
        buffer.setMarks(marks, hasTimecode ? given.timecode(0) : 0, hasTimecode ? given.timecode(1) : 0);
        buffer.setState(MediaBuffer.State.QUEUED);
        queued.add(buffer);
        buffer.fill(given.in(), given.at(), given.length());
        return 0;
    }

    /** Takes over what a client says of a buffer, and its memory. */
    private int accept(MediaBuffer buffer, Struct.Buffer given, long[] least) {
        if (isOutput() && given.field() == V4l2.FIELD_ALTERNATE) return Errno.EINVAL;
        boolean foreign = memoryType != V4l2.MEMORY_MMAP;
        for (int i = 0; i < buffer.planes(); i++) {
            Struct.Plane plane = new Struct.Plane(given.in(), given.planes() + i * Struct.Plane.BYTES);
            long length = foreign ? plane.length() : buffer.length(i);
            if (memoryType == V4l2.MEMORY_DMABUF) {
                long there = guest.objectBytes(given, i);
                if (there < 0 || length > there) return Errno.EINVAL;
                if (length == 0) length = there;
            }
            if (length < least[i]) return Errno.EINVAL;
            if (isOutput() && (plane.bytesUsed() > length
                    || (plane.dataOffset() > 0 && plane.dataOffset() >= plane.bytesUsed())))
                return Errno.EINVAL;
        }
        if (foreign) {
            int failed = guest.take(buffer, given);
            if (failed != 0) return failed;
        }
        for (int i = 0; i < buffer.planes(); i++) {
            Struct.Plane plane = new Struct.Plane(given.in(), given.planes() + i * Struct.Plane.BYTES);
            if (isOutput()) buffer.setUsed(i, plane.bytesUsed(), plane.dataOffset());
            else buffer.setUsed(i, 0, 0);
        }
        buffer.setFlags(0);
        buffer.setCacheHints(given.flags());
        return 0;
    }

    // ---- streaming

    int streamOn() {
        if (streaming) return 0;
        if (count == 0) return Errno.EINVAL;
        streaming = true;
        return 0;
    }

    /** All buffers become the client's, whatever was queued, at work or done. */
    void streamOff() {
        streaming = false;
        queued.clear();
        for (MediaBuffer buffer : slots) {
            if (buffer == null) continue;
            buffer.revoke();
            if (buffer.state() == MediaBuffer.State.DEQUEUED) continue;
            if (buffer.state() != MediaBuffer.State.DONE) buffer.takeBack();
            buffer.setFlags(0);
            buffer.setState(MediaBuffer.State.DEQUEUED);
        }
    }
}
