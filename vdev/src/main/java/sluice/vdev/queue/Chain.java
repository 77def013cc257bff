package sluice.vdev.queue;

import java.util.Objects;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;

/**
 * One request of the driver: a snapshot of a descriptor chain, its addresses resolved.
 *
 * <p>The device reads {@link #readable} and {@linkplain #respond answers} the chain once, whenever it likes; a long answer is {@linkplain
 * #append appended} piece by piece, and then {@linkplain #complete() completed}. After its queue was stopped, completing does nothing, so late work needs no special case. The
 * memory behind the runs stays mapped until then.
 */
public final class Chain implements Polled {
    /** The life of a chain object; its queue lends it out again after completion. */
    private enum State {
        /** Never lent out, or taken back because its queue stopped. */
        IDLE,
        /** With the device. */
        IN_FLIGHT,
        /** Given back, the driver does not know yet. */
        COMPLETED,
        /** The driver may use the descriptors again. */
        PUBLISHED
    }

    /** Whoever lends chains out and gets them back. */
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

    Chain(Owner owner) {
        this.owner = owner;
    }

    /** What has to be kept of it where its memory can be revoked. */
    LateAnswer late() {
        return late;
    }

    /** The driver's name for the chain until it is completed: its first descriptor, or its buffer id. */
    public int id() {
        return id;
    }

    /** Descriptors it takes in a packed ring. */
    int descriptors() {
        return descriptors;
    }

    /** Bytes written, once it is completed. */
    int written() {
        return written;
    }

    /** What the driver sends. */
    public Runs readable() {
        return readable;
    }

    /** Room for the answer, in bytes. */
    public long writableBytes() {
        return writable.bytes();
    }

    /** Where the driver wants the answer. The device writes through {@link #respond}, which knows whether it still may. */
    Runs writable() {
        return writable;
    }

    /** Pieces of memory in what it holds. */
    int pieces() {
        return pieces;
    }

    /** For how many pieces it has room, which it keeps for its next use. */
    int room() {
        return readable.room() + writable.room() + late.room();
    }

    void published() {
        if (state == State.COMPLETED)
            state = State.PUBLISHED;
    }

    /** Whether the driver still waits for this chain: it was neither completed nor its queue stopped. */
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
     * Appends to the answer, as much as fits. Where an IOMMU has changed its mind since the chain was taken, the rest of the
     * answer is kept on the heap and written when the chain is published, to wherever its addresses lead then: an answer is
     * something that the device would keep as a whole as well.
     *
     * @return the bytes appended, fewer than {@code length} where the driver has left less room
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

    /** Completes the chain with what was {@linkplain #append appended}: nothing, if nothing was. */
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
     * Writes an answer that was kept. Returns null when there is none, or it is written; otherwise why it cannot be. One that
     * never can be is given up: the chain has no answer then.
     */
    @Nullable
    Polled settle() {
        Polled failure = late.write(id, writable);
        if (failure instanceof Polled.Broken) written = 0;
        return failure;
    }

    /** The device will not work on it now: it becomes the next that the queue gives out. */
    void takeBack() {
        letGo(State.IDLE);
    }

    /**
     * Gives the chain back to the driver, who sees it with the queue's next {@link Virtqueue#publish}.
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

    /** The queue's life ended with this chain in the device's hands. */
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
