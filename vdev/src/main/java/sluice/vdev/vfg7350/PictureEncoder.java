package sluice.vdev.vfg7350;

import java.io.Closeable;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.PacketSink;
import sluice.vdev.codec.Picture;
import sluice.vdev.video.FrameSource;

/**
 * Encodes the pictures of a source, one at a time, on a worker: {@link #run} is called there. The loop calls {@link #set}
 * and {@link #abandon} at any time, and the other methods only while it does not run.
 */
final class PictureEncoder implements Runnable, Closeable {
    private static final byte GREY = (byte) 128;
    /** More packets than an encoder gives at once: those of the pictures that it has kept. */
    private static final int MOST_PACKETS = 64;

    private final FrameSource source;
    private final CodecEngine engine;
    private volatile EncoderSettings wanted;
    private volatile boolean abandoned;
    private @Nullable EncoderSettings opened;
    private @Nullable Encoder encoder;
    private @Nullable Arena arena;
    private @Nullable Picture picture;
    private byte[] luma = new byte[0];
    private long next;
    private boolean closed;
    private @Nullable String failure;

    /** The packets of the last call, one behind the other. */
    private byte[] coded = new byte[1 << 16];
    private final int[] ends = new int[MOST_PACKETS];
    private final long[] numbers = new long[MOST_PACKETS];
    private int packets;
    private final PacketSink sink = this::keep;

    PictureEncoder(FrameSource source, CodecEngine engine, EncoderSettings wanted) {
        this.source = source;
        this.engine = engine;
        this.wanted = wanted;
    }

    /** From the next picture on. */
    void set(EncoderSettings settings) {
        wanted = settings;
    }

    /** Nobody wants its pictures any more: {@link #run} closes it. */
    void abandon() {
        abandoned = true;
    }

    /** Encodes the next picture. */
    @Override
    public synchronized void run() {
        packets = 0;
        if (closed || failure != null) return;
        // An exception is logged by the worker; the next picture would most likely throw it again.
        failure = "the codec engine threw an exception";
        try {
            EncoderSettings settings = wanted;
            if (!settings.equals(opened)) open(settings);
            encode(Objects.requireNonNull(encoder), Objects.requireNonNull(picture));
            failure = null;
        } catch (CodecException e) {
            failure = e.getMessage();
        } catch (UncheckedIOException e) {
            failure = "its pictures cannot be read: " + e.getMessage();
        }
        if (abandoned) close();
    }

    /** The pictures of the encoder before are completed first, so that none is lost. */
    private void open(EncoderSettings settings) throws CodecException {
        Encoder before = encoder;
        if (before != null) before.drain(sink);
        release();
        encoder = engine.encoder(settings);
        Arena memory = Arena.ofShared();
        arena = memory;
        Picture made = Picture.allocate(settings.format(), memory);
        for (int i = 1; i < made.planes().size(); i++) made.planes().get(i).bytes().fill(GREY);
        picture = made;
        luma = new byte[settings.format().width() * settings.format().height()];
        opened = settings;
    }

    private void encode(Encoder present, Picture target) throws CodecException {
        source.fill(next, target.format().width(), target.format().height(), luma);
        MemorySegment.copy(luma, 0, target.planes().getFirst().bytes(), ValueLayout.JAVA_BYTE, 0, luma.length);
        present.encode(target, next, false, sink);
        next++;
    }

    private void keep(MemorySegment bytes, long number, boolean key) {
        if (packets == MOST_PACKETS) throw new IllegalStateException("more than " + MOST_PACKETS + " packets at once");
        int from = packets == 0 ? 0 : ends[packets - 1];
        int size = Math.toIntExact(bytes.byteSize());
        if (coded.length - from < size) coded = Arrays.copyOf(coded, Math.max(2 * coded.length, from + size));
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 0, coded, from, size);
        ends[packets] = from + size;
        numbers[packets] = number;
        packets++;
    }

    /** Why there are no more pictures, or null. */
    synchronized @Nullable String failure() {
        return failure;
    }

    /** Number of packets of the last call. */
    synchronized int packets() {
        return packets;
    }

    /** Gives the packets of the last picture to the stream. */
    synchronized void giveTo(TransportMux mux) {
        for (int i = 0; i < packets; i++) {
            int from = i == 0 ? 0 : ends[i - 1];
            mux.add(coded, from, ends[i] - from, numbers[i]);
        }
    }

    /** The encoder's end; a call that is still running is awaited. */
    @Override
    public synchronized void close() {
        closed = true;
        release();
    }

    private void release() {
        Encoder present = encoder;
        encoder = null;
        if (present != null) present.close();
        Arena memory = arena;
        arena = null;
        picture = null;
        if (memory != null) memory.close();
    }
}
