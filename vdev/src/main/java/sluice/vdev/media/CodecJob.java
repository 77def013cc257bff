package sluice.vdev.media;

import org.jspecify.annotations.Nullable;

/** The work of a session for a worker: at most one piece at a time, prepared and judged on the device's loop. */
interface CodecJob {
    /** On a worker: works; what goes wrong is in {@link #failure}. */
    void run();

    /** Prepares the end of the codec. */
    void beginClose();

    /** Whether there is a codec to be closed. */
    boolean isOpen();

    @Nullable
    Throwable failure();

    /** The memory that the job does not use any more. */
    void letGo();

    /** Bytes of pictures copied since the last call. */
    long takeCopied();

    /** Bytes of pictures brought into another order since the last call. */
    long takeConverted();

    /** The worker of work that takes longer than {@code most} nanoseconds, or null. */
    @Nullable
    Thread longerThan(long most);

    /** Interrupts work that takes longer than {@code most} nanoseconds; true if it does. */
    boolean interruptIfLonger(long most);
}
