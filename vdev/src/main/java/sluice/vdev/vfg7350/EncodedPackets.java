package sluice.vdev.vfg7350;

import java.io.Closeable;
import java.util.Arrays;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.device.Counter;
import sluice.vdev.device.Report;
import sluice.vdev.device.Workers;
import sluice.vdev.video.FrameSource;

/**
 * The pictures of a source as a transport stream with the driver's settings. Each start of the encoder begins with
 * picture 0. The stream's time proceeds with what the driver takes: while it has no buffer, no picture is lost.
 *
 * <p>A worker encodes some pictures ahead. If the codec or the source fails, the log says why, and the stream goes on
 * without pictures until the driver starts the encoder again.
 */
public final class EncodedPackets implements PacketSource, Closeable {
    /**
     * Linux's driver writes the aspect ratio after it has started the encoder. A stream begins when that comes, or after this
     * time.
     */
    static final long SETTLE_NANOS = 200_000_000;
    /** Coded pictures that wait to be sent, more than an encoder keeps for B-pictures. */
    private static final int AHEAD = 6;
    private static final Logger LOG = LoggerFactory.getLogger(EncodedPackets.class);

    private final FrameSource source;
    private final CodecEngine engine;
    private final Workers workers;
    private final long settleNanos;
    private @Nullable StreamSettings settings;
    private @Nullable TransportMux mux;
    private @Nullable PictureEncoder encoder;
    private Runnable done = () -> {};
    private boolean busy;
    private long beginsAt;
    private byte[] made = new byte[0];
    private int ready;
    private final Counter pictures = new Counter();
    private final Counter late = new Counter();
    private final Counter starved = new Counter();
    private final Counter failures = new Counter();

    /** @param source used by one worker at a time */
    public EncodedPackets(FrameSource source, CodecEngine engine, Workers workers) {
        this(source, engine, workers, SETTLE_NANOS);
    }

    EncodedPackets(FrameSource source, CodecEngine engine, Workers workers, long settleNanos) {
        this.source = source;
        this.engine = engine;
        this.workers = workers;
        this.settleNanos = settleNanos;
    }

    /** Registers its counters. */
    void register(Report report) {
        report.counter("encoder.pictures", "pictures", "Encoded.", pictures);
        report.counter("encoder.late", "pictures", "Sent after the time to decode them: more bits than their rate has.",
                late);
        report.counter("encoder.starved", "ticks", "At which the next picture was not encoded yet.", starved);
        report.counter("encoder.failures", "times", "That the codec or the source failed.", failures);
    }

    @Override
    public void encoder(@Nullable StreamSettings wanted) {
        StreamSettings before = settings;
        settings = wanted;
        TransportMux stream = mux;
        PictureEncoder present = encoder;
        if (wanted == null) {
            stop();
        } else if (before != null && stream != null && present != null && isSameStream(before, wanted)) {
            stream.set(wanted);
            present.set(wanted.encoder());
            beginsAt = System.nanoTime();
        } else {
            stop();
            mux = new TransportMux(wanted, late);
            PictureEncoder made = new PictureEncoder(source, engine, wanted.encoder());
            encoder = made;
            done = () -> encoded(made);
            beginsAt = System.nanoTime() + settleNanos;
        }
    }

    /** Whether the driver has changed only what can change within a stream. */
    private static boolean isSameStream(StreamSettings before, StreamSettings now) {
        return before.width() == now.width() && before.height() == now.height()
                && before.frameRate().equals(now.frameRate());
    }

    private void stop() {
        PictureEncoder present = encoder;
        encoder = null;
        mux = null;
        ready = 0;
        if (present == null) return;
        // While a worker uses it, it is closed when that returns.
        if (busy) {
            present.abandon();
        } else {
            close(present);
        }
    }

    /** Off the loop, because an encoder may need time to end. If no worker takes it, it is closed here. */
    private void close(PictureEncoder present) {
        if (!workers.submit("close an encoder", present::close, () -> {})) present.close();
    }

    @Override
    public int bitsPerSecond() {
        StreamSettings present = settings;
        return present == null ? 0 : present.totalBits();
    }

    @Override
    public boolean fill(long buffer, int count, byte[] target) {
        TransportMux stream = mux;
        if (stream == null || System.nanoTime() - beginsAt < 0) return false;
        request();
        int bytes = count * PACKET_BYTES;
        if (made.length < bytes) made = Arrays.copyOf(made, bytes);
        while (ready < count) {
            if (!stream.packet(made, ready * PACKET_BYTES)) {
                starved.increment();
                return false;
            }
            ready++;
        }
        System.arraycopy(made, 0, target, 0, bytes);
        ready -= count;
        System.arraycopy(made, bytes, made, 0, ready * PACKET_BYTES);
        request();
        return true;
    }

    /** Has the next picture encoded if few are waiting. */
    private void request() {
        TransportMux stream = mux;
        PictureEncoder present = encoder;
        if (busy || stream == null || present == null || stream.pictures() >= AHEAD) return;
        busy = true;
        // If the device has too many jobs, the next tick tries again.
        if (!workers.submit("encode a picture", present, done)) busy = false;
    }

    private void encoded(PictureEncoder from) {
        busy = false;
        TransportMux stream = mux;
        if (from != encoder || stream == null) {
            close(from);
            return;
        }
        from.giveTo(stream);
        pictures.add(from.packets());
        String failure = from.failure();
        if (failure == null) {
            request();
            return;
        }
        failures.increment();
        LOG.error("the stream goes on without pictures: {}", failure);
        stream.end();
        encoder = null;
        close(from);
    }

    /** At the end of the device: its encoder. */
    @Override
    public void close() {
        PictureEncoder present = encoder;
        if (present != null) present.close();
    }
}
