package sluice.dmacore.trace.chronicle;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import net.openhft.chronicle.bytes.PointerBytesStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.recording.Layout;

/**
 * Keeps the newest events in a memory-mapped file, which survives any end of the process; {@link
 * sluice.dmacore.trace.recording.Recording} reads it, also concurrently from another process.
 *
 * <p>The first use of Chronicle Bytes takes half a second, so the file is mapped on a separate thread. Earlier events
 * are counted as lost; names are kept.
 */
public final class FlightRecorder implements TraceSink, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FlightRecorder.class);
    private static final Duration OPENING_LIMIT = Duration.ofSeconds(30);

    /** A name recorded before the file was mapped. */
    private record Name(int number, String text) {}

    private final RecorderOptions options;
    private final RecordingFile file;
    private final CountDownLatch opened = new CountDownLatch(1);
    private final AtomicLong lostWithoutRing = new AtomicLong();
    private final Object namesLock = new Object();
    private volatile @Nullable Ring ring;
    private volatile boolean isOn = true;
    private volatile @Nullable Throwable failure;
    /** Under the lock. */
    private @Nullable NameArea names;
    /** Under the lock; empty once the area exists. */
    private final Queue<Name> early = new ArrayDeque<>();

    private FlightRecorder(RecorderOptions options, RecordingFile file) {
        this.options = options;
        this.file = file;
    }

    /**
     * Creates the file and starts mapping it; returns before that is done. Truncating the file while it is recorded
     * kills this process (SIGBUS).
     *
     * @throws IOException the file cannot be created, is in use by another recorder, or exists and is not a recording
     */
    public static FlightRecorder start(RecorderOptions options) throws IOException {
        FlightRecorder recorder = new FlightRecorder(options, RecordingFile.create(options));
        Thread.ofPlatform().daemon().name("sluice-recorder").start(recorder::open);
        return recorder;
    }

    /**
     * The same, and waits until the file is mapped, for half a minute at most: a process that is ended right after its start has its
     * recording, which cannot be begun while the JVM shuts down.
     *
     * @throws IOException as {@link #start}
     */
    public static FlightRecorder startMapped(RecorderOptions options) throws IOException {
        FlightRecorder recorder = start(options);
        if (!recorder.awaitOpening())
            LOG.warn("mapping {} takes more than {} s", options.file(), OPENING_LIMIT.toSeconds());
        return recorder;
    }

    private void open() {
        try {
            MemorySegment mapping = file.map();
            PointerBytesStore store = new PointerBytesStore();
            store.set(mapping.address(), mapping.byteSize());
            Ring ready = new Ring(mapping, store, options);
            synchronized (namesLock) {
                NameArea area = new NameArea(mapping, store, options, ready);
                for (Name name : early) area.append(name.number(), name.text());
                early.clear();
                names = area;
            }
            ring = ready;
            moveLost(ready);
        } catch (IOException | RuntimeException | LinkageError e) {
            // For example a full disk, or a JDK without the internals that Chronicle needs.
            failure = e;
            isOn = false;
            LOG.warn("recording into {} failed and events are not kept: {}", options.file(), e.toString());
        } finally {
            opened.countDown();
        }
    }

    /**
     * Waits until events are recorded, for half a minute at most; an interrupt does not end the wait.
     *
     * @return whether they are; false on timeout, or if opening failed
     */
    public boolean awaitOpen() {
        return awaitOpening() && failure == null;
    }

    /**
     * Lost events: the file was not yet or no longer mapped, or a writer was overtaken by a whole round of the ring.
     */
    public long lost() {
        Ring present = ring;
        return lostWithoutRing.get() + (present == null ? 0 : present.lost());
    }

    /** True until it is closed or has failed. */
    @Override
    public boolean isOn() {
        return isOn;
    }

    /**
     * Keeps up to 200 bytes of a name while the area of names has room; later names are stored among the events, with
     * up to 32 bytes, and are overwritten with them.
     */
    @Override
    public void name(int number, String name) {
        synchronized (namesLock) {
            NameArea area = names;
            if (area != null) {
                area.append(number, name);
            } else if (isOn && early.size() <= options.namesBytes() / Layout.NAME_HEADER_BYTES) {
                early.add(new Name(number, name));
            }
        }
    }

    @Override
    @SuppressWarnings("EnumOrdinal") // EventKind says that its ordinals are the numbers of recordings
    public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
            long nanos, long ended) {
        Ring present = ring;
        if (present == null) {
            countLost();
        } else {
            int thread = (int) Thread.currentThread().threadId() << Layout.THREAD_SHIFT;
            present.write(kind.ordinal() | thread, buffer, attachment, detail, from, length, bytes, nanos, ended);
        }
    }

    private void countLost() {
        lostWithoutRing.incrementAndGet();
        // Either the opening thread sees this name, or this thread sees the ring: none is lost.
        Ring present = ring;
        if (present != null) moveLost(present);
    }

    private void moveLost(Ring present) {
        long lost = lostWithoutRing.getAndSet(0);
        if (lost > 0) present.addLost(lost);
    }

    /**
     * Ends the recording normally; later events are lost. The file is unmapped when the last writer is done.
     *
     * @throws IOException nothing was recorded, because opening failed, or the file cannot be closed
     */
    @Override
    public void close() throws IOException {
        isOn = false;
        boolean finished = awaitOpening();
        Ring last = ring;
        ring = null;
        synchronized (namesLock) {
            names = null;
        }
        if (last != null) last.markClosed();
        if (finished) file.close();
        Throwable reason = failure;
        if (reason != null)
            throw new IOException("nothing was recorded into " + options.file() + ": " + reason, reason);
    }

    private boolean awaitOpening() {
        boolean interrupted = false;
        try {
            long end = System.nanoTime() + OPENING_LIMIT.toNanos();
            while (true) {
                try {
                    return opened.await(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) Thread.currentThread().interrupt();
        }
    }
}
