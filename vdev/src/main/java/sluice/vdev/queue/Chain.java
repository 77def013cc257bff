package sluice.vdev.queue;

import java.util.Objects;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;

/**
 * One request of the driver: a snapshot of a descriptor chain, with its addresses resolved.
 *
 * <p>The device reads {@link #readable} and {@linkplain #respond answers} the chain once, at any time; a long answer is
 * {@linkplain #append appended} piece by piece, and then {@linkplain #complete() completed}. Completing after the queue
 * was stopped does nothing, so late work needs no special case. The memory behind the runs stays mapped until
 * completion.
 */
public final class Chain implements Polled {
    /** State of a chain object; its queue reuses it after completion. */
    private enum State {
        /** Unused, or taken back because its queue stopped. */
        IDLE,
        /** Owned by the device. */
        IN_FLIGHT,
        /** Completed, not yet published to the driver. */
        COMPLETED,
        /** The driver may use the descriptors again. */
        PUBLISHED
    }

    /** The queue that owns the chain objects. */
    @FunctionalInterface
    interface Owner {
        void completed(Chain chain);
    }

    private final Owner owner;
    private int id;
    private int descriptors;
    private int pieces;
    private int written;
    /** Bytes of the answer so far. */
    private int appended;
    private final Runs readable = new Runs();
    private final Runs writable = new Runs();
    private State state = State.IDLE;
    private @Nullable GuestMemory pinned;
    private final LateAnswer late = new LateAnswer();
    private int name;
    /** When it was taken, how long it had waited, and how many were available; for the trace. */
    private long taken;
    private long waited;
    private int available;
    /** Its number in its queue, for the trace. */
    private long request;

    Chain(Owner owner) {
        this.owner = owner;
    }

    /** Addresses kept for an answer after the memory was revoked; behind an IOMMU only. */
    LateAnswer late() {
        return late;
    }

    /** Names the request in the trace, by a number of {@link sluice.dmacore.buffer.DmaCore#named}. */
    public void setName(int number) {
        name = number;
    }

    int name() {
        return name;
    }

    /** @param when 0 while tracing is off */
    void time(long when, long waitedNanos, int requests, long number) {
        request = number;
        taken = when;
        waited = waitedNanos;
        available = requests;
        name = 0;
    }

    long taken() {
        return taken;
    }

    long waited() {
        return waited;
    }

    int available() {
        return available;
    }

    long request() {
        return request;
    }

    /** The chain's id in the ring: index of the first descriptor (split), or buffer id (packed). */
    public int id() {
        return id;
    }

    /** Ring entries that it occupies in a packed ring. */
    int descriptors() {
        return descriptors;
    }

    /** Bytes written, once it is completed. */
    int written() {
        return written;
    }

    /** Device-readable memory. */
    public Runs readable() {
        return readable;
    }

    /** Device-writable bytes. */
    public long writableBytes() {
        return writable.bytes();
    }

    /** Device-writable memory. Written through {@link #respond} only, which checks that it is still mapped. */
    Runs writable() {
        return writable;
    }

    /** Number of runs that it holds. */
    int pieces() {
        return pieces;
    }

    /** Capacity in runs, kept for the next use. */
    int room() {
        return readable.room() + writable.room() + late.room();
    }

    void published() {
        if (state == State.COMPLETED)
            state = State.PUBLISHED;
    }

    /** Whether the driver still waits for this chain: it is not completed, and its queue was not stopped. */
    public boolean isWaiting() {
        return state == State.IN_FLIGHT;
    }

    void clear() {
        readable.clear();
        writable.clear();
    }

    void takeOff(int name, int descriptorCount, GuestMemory memory) {
        id = name;
        descriptors = descriptorCount;
        pieces = readable.count() + writable.count();
        pinned = memory.retain();
        appended = 0;
        state = State.IN_FLIGHT;
    }

    /**
     * Appends to the answer, as much as fits. If the IOMMU has invalidated the address since the chain was taken, the
     * rest of the answer is kept on the heap and written when the chain is published, through the translation valid
     * then.
     *
     * @return bytes appended; fewer than {@code length} if the driver's buffers are smaller
     * @throws IndexOutOfBoundsException if {@code answer} is shorter
     */
    public int append(byte[] answer, int from, int length) {
        Objects.checkFromIndexSize(from, length, answer.length);
        int fits = (int) Math.min(length, Math.min(writable.bytes(), Integer.MAX_VALUE) - appended);
        if (!isWaiting()) return fits;
        if (!late.keep(answer, from, fits, appended)) writable.copyFrom(answer, from, appended, fits);
        appended += fits;
        return fits;
    }

    /** Completes the chain with the bytes {@linkplain #append appended} so far, possibly none. */
    public void complete() {
        complete(appended);
    }

    /**
     * Answers with the first {@code length} bytes, as many of them as fit, and completes the chain.
     *
     * @return the bytes written
     */
    public int respond(byte[] answer, int length) {
        int fits = append(answer, 0, length);
        complete();
        return fits;
    }

    /**
     * Writes an answer that was kept. Returns null if there is none or it was written, otherwise the reason. An answer
     * that can never be written is dropped; the chain then has no answer.
     */
    @Nullable
    Polled settle() {
        Polled failure = late.write(id, writable);
        if (failure instanceof Polled.Broken) written = 0;
        return failure;
    }

    /** Returns the chain unprocessed: the next poll returns it again. */
    void takeBack() {
        letGo(State.IDLE);
    }

    /**
     * Returns the chain to the driver, which sees it after the next {@link Virtqueue#publish}.
     *
     * @param bytes written to {@link #writable}, from its beginning
     * @throws IllegalStateException if it was completed before
     * @throws IllegalArgumentException if more was written than fits
     */
    void complete(long bytes) {
        if (state != State.IN_FLIGHT) {
            if (state == State.IDLE)
                return; // its queue was stopped meanwhile
            throw new IllegalStateException("chain " + id + " was completed before");
        }
        if (bytes < 0 || bytes > writable.bytes()) {
            throw new IllegalArgumentException(
                    "%d bytes written to a chain of %d writable bytes".formatted(bytes, writable.bytes()));
        }
        written = (int) bytes;
        letGo(State.COMPLETED);
        owner.completed(this);
    }

    /** The queue was stopped while the device owned this chain. */
    void abandon() {
        if (state == State.IN_FLIGHT)
            letGo(State.IDLE);
    }

    private void letGo(State next) {
        state = next;
        GuestMemory memory = pinned;
        pinned = null;
        if (memory != null)
            memory.release();
    }
}
