package sluice.vdev.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.PacketSink;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;

/** The work of an encoding session. Coded pictures go into CAPTURE buffers, or wait for one. */
final class EncodeJob implements CodecJob, PacketSink {
    /** A coded picture that waits for a CAPTURE buffer. */
    record Packet(byte[] bytes, long time, boolean key) {}

    private enum Kind {
        ENCODE,
        DELIVER,
        DRAIN,
        CLOSE
    }

    private final JobClock clock = new JobClock();
    private @Nullable Encoder encoder;
    private @Nullable EncoderSettings opened;
    private @Nullable Arena roomArena;
    private @Nullable MemorySegment room;

    // What is to be done.
    private Kind kind = Kind.ENCODE;
    private boolean closeFirst;
    private @Nullable EncodedFormat format;
    private @Nullable EncoderSettings settings;
    private @Nullable MediaBuffer picture;
    private final List<PlaneMemory> held = new ArrayList<>();
    private @Nullable FrameLayout layout;
    private boolean key;
    private final Deque<MediaBuffer> lent = new ArrayDeque<>();
    private final Deque<Packet> toDeliver = new ArrayDeque<>();

    // What was done.
    private final List<MediaBuffer> filled = new ArrayList<>();
    private final List<Packet> waiting = new ArrayList<>();
    private boolean pictureFailed;
    private @Nullable Throwable failure;
    private long copied;
    private long converted;

    // ---- on the loop

    private void begin(Kind next) {
        kind = next;
        picture = null;
        lent.clear();
        toDeliver.clear();
        filled.clear();
        waiting.clear();
        pictureFailed = false;
        failure = null;
    }

    /** @param anew whether another stream begins, so that the encoder before is left */
    void encode(MediaBuffer buffer, FrameLayout as, EncodedFormat coding, EncoderSettings with, boolean isKey,
            boolean anew) {
        begin(Kind.ENCODE);
        closeFirst = anew;
        picture = buffer;
        layout = as;
        format = coding;
        settings = with;
        key = isKey;
        buffer.lend();
        for (int i = 0; i < buffer.planes(); i++) {
            PlaneMemory memory = buffer.memory(i);
            if (memory == null) throw new IllegalStateException("a queued buffer has memory");
            memory.hold();
            held.add(memory);
        }
    }

    void deliver(Deque<Packet> packets) {
        begin(Kind.DELIVER);
        toDeliver.addAll(packets);
    }

    void drain() {
        begin(Kind.DRAIN);
    }

    @Override
    public void beginClose() {
        begin(Kind.CLOSE);
    }

    void lend(Iterable<MediaBuffer> buffers) {
        for (MediaBuffer buffer : buffers) {
            buffer.lend();
            lent.add(buffer);
        }
    }

    @Override
    public void letGo() {
        held.forEach(PlaneMemory::letGo);
        held.clear();
    }

    /** CAPTURE buffers that have coded pictures, in order. */
    List<MediaBuffer> filled() {
        return filled;
    }

    /** Those that come after them and have no buffer. */
    List<Packet> waiting() {
        return waiting;
    }

    boolean isDrain() {
        return kind == Kind.DRAIN;
    }

    boolean pictureFailed() {
        return pictureFailed;
    }

    @Override
    public @Nullable Throwable failure() {
        return failure;
    }

    @Override
    public boolean isOpen() {
        return encoder != null || roomArena != null;
    }

    @Override
    public long takeCopied() {
        long bytes = copied;
        copied = 0;
        return bytes;
    }

    @Override
    public long takeConverted() {
        long bytes = converted;
        converted = 0;
        return bytes;
    }

    @Override
    public @Nullable Thread longerThan(long most) {
        return clock.longerThan(most);
    }

    @Override
    public boolean interruptIfLonger(long most) {
        return clock.interruptIfLonger(most);
    }

    // ---- on a worker

    @Override
    public void run() {
        clock.start();
        try {
            switch (kind) {
                case ENCODE -> encode();
                case DELIVER -> toDeliver.forEach(one -> packet(MemorySegment.ofArray(one.bytes), one.time, one.key));
                case DRAIN -> endStream();
                case CLOSE -> close();
            }
        } catch (CodecException e) {
            pictureFailed = true;
            closeEncoder();
        } catch (RuntimeException | Error e) {
            failure = e;
        } finally {
            if (clock.stop() && failure == null) failure = new IllegalStateException("it took too long");
        }
    }

    private void encode() throws CodecException {
        MediaBuffer buffer = picture;
        FrameLayout as = layout;
        EncoderSettings with = settings;
        EncodedFormat coding = format;
        if (buffer == null || as == null || with == null || coding == null)
            throw new IllegalStateException("there is no picture to encode");
        if (closeFirst) closeEncoder();
        if (!with.equals(opened)) {
            endStream();
            encoder = coding.opener().open(with);
            opened = with;
        }
        Encoder present = encoder;
        if (present == null) throw new IllegalStateException("there is no encoder");
        present.encode(read(buffer, as, with.format()), buffer.timestamp(), key, this);
    }

    /** What the encoder keeps comes out; the next picture begins with another. */
    private void endStream() throws CodecException {
        try {
            if (encoder != null) encoder.drain(this);
        } finally {
            closeEncoder();
        }
    }

    private void closeEncoder() {
        Encoder before = encoder;
        encoder = null;
        opened = null;
        if (before != null) before.close();
    }

    /** The picture, in place if that is in one piece. */
    private Picture read(MediaBuffer buffer, FrameLayout as, PictureFormat visible) throws CodecException {
        List<MemorySegment> pieces = new ArrayList<>();
        long at = (long) as.bytesPerLine(0) * as.height();
        for (int i = 0; i < buffer.planes(); i++) {
            long from = buffer.dataOffset(i);
            MemorySegment direct = held.get(i).direct();
            if (direct == null || from % 64 != 0) {
                direct = room(2 * at + buffer.planes() * (long) as.size(0)).asSlice(at + i * (long) as.size(0),
                        as.size(i));
                if (from + as.size(i) > buffer.length(i) || !buffer.read(i, from, direct, as.size(i)))
                    throw new CodecException("the picture cannot be read");
                copied += as.size(i);
                pieces.add(direct);
            } else {
                if (from + as.size(i) > buffer.length(i)) throw new CodecException("the picture is cut off");
                if (!held.get(i).reads(from + as.size(i))) throw new CodecException("the picture is gone");
                pieces.add(direct.asSlice(from, as.size(i)));
            }
        }
        List<Picture.Plane> planes = new ArrayList<>();
        for (int i = 0; i < (as.raw().interleaved() ? 2 : 3); i++)
            planes.add(new Picture.Plane(pieces.get(as.componentPlane(i)).asSlice(as.componentOffset(i)),
                    as.componentStride(i)));
        return new Picture(visible, as.raw().interleaved() ? separate(planes, visible, as) : planes);
    }

    /** Chroma in two planes, as encoders want it. */
    private List<Picture.Plane> separate(List<Picture.Plane> planes, PictureFormat visible, FrameLayout as) {
        Picture.Plane both = planes.get(1);
        int stride = as.bytesPerLine(0) / 2;
        long size = (long) stride * ((as.height() + 1) / 2);
        MemorySegment target = room(2 * size);
        int width = PixelFormat.YU12.lineBytes(1, visible.width());
        int lines = PixelFormat.YU12.lines(1, visible.height());
        for (int y = 0; y < lines; y++) {
            long from = (long) y * both.stride();
            long to = (long) y * stride;
            for (int x = 0; x < width; x++) {
                target.set(ValueLayout.JAVA_BYTE, to + x, both.bytes().get(ValueLayout.JAVA_BYTE, from + 2L * x));
                target.set(ValueLayout.JAVA_BYTE, size + to + x,
                        both.bytes().get(ValueLayout.JAVA_BYTE, from + 2L * x + 1));
            }
        }
        converted += 2L * width * lines;
        return List.of(planes.getFirst(), new Picture.Plane(target.asSlice(0, size), stride),
                new Picture.Plane(target.asSlice(size, size), stride));
    }

    private MemorySegment room(long bytes) {
        MemorySegment present = room;
        if (present != null && present.byteSize() >= bytes) return present;
        Arena before = roomArena;
        if (before != null) before.close();
        Arena arena = Arena.ofShared();
        roomArena = arena;
        present = arena.allocate(bytes, 64);
        room = present;
        return present;
    }

    @Override
    public void packet(MemorySegment bytes, long time, boolean isKey) {
        MediaBuffer target = waiting.isEmpty() ? lent.poll() : null;
        if (target == null) {
            waiting.add(new Packet(bytes.toArray(ValueLayout.JAVA_BYTE), time, isKey));
            return;
        }
        boolean fits = bytes.byteSize() <= target.length(0);
        for (long done = 0; fits && done < bytes.byteSize(); done += MediaBuffer.CHUNK)
            fits = target.write(0, done, bytes, done, Math.min(MediaBuffer.CHUNK, bytes.byteSize() - done));
        target.setCoded(time, isKey, fits ? bytes.byteSize() : -1);
        filled.add(target);
    }

    private void close() {
        Arena arena = roomArena;
        roomArena = null;
        room = null;
        if (arena != null) arena.close();
        closeEncoder();
    }
}
