package sluice.guest.check;

/**
 * What user space does with its buffers. All but the first are mistakes that it makes on purpose, and this is what is expected of each
 * on any machine: the kernel lives, the device touches nothing that is not mapped for it, nothing stays mapped when all is closed, and
 *
 * <ul>
 * <li>{@link #SYNC}: all bytes are right, and no rule is broken;
 * <li>{@link #NO_SYNC}, {@link #WRONG_SYNC}: where bytes are wrong, something is found that says why;
 * <li>{@link #CLOSED}, {@link #MUNMAP}, {@link #FORK}, {@link #KILLED}, {@link #FREED}: the queue or the screen has what it needs of its
 * own, so no more bytes are wrong than without the mistake, and what is wrong is found; after the last two, new buffers are right;
 * <li>{@link #SHORT}, {@link #REQUEUED}: the kernel refuses the call, and goes on as if nothing had been asked.
 * </ul>
 */
enum Use {
    SYNC("sync", "DMA_BUF_IOCTL_SYNC around all accesses", false),
    NO_SYNC("no-sync", "no DMA_BUF_IOCTL_SYNC", false),
    WRONG_SYNC("wrong-sync", "DMA_BUF_IOCTL_SYNC for reading where it writes, and for writing where it reads", false),
    CLOSED("closed", "descriptors are closed when the buffers are queued, and their numbers used anew", false),
    MUNMAP("munmap", "buffers are unmapped while they are queued", false),
    FORK("fork", "a child has the buffers too, reads them, and writes its copies", false),
    KILLED("killed", "a program dies of SIGKILL while its buffers are queued, and another streams", false),
    SHORT("short", "a buffer that is a page too short is used first", true),
    REQUEUED("requeued", "a buffer that is queued is queued again", true),
    FREED("freed", "buffers are freed while they are shown, and others are shown", false);

    private final String label;
    private final String help;
    private final boolean refused;

    Use(String label, String help, boolean refused) {
        this.label = label;
        this.help = help;
        this.refused = refused;
    }

    /** On the command line. */
    String label() {
        return label;
    }

    /** What is done, in some words. */
    String help() {
        return help;
    }

    /** Whether it is a mistake of user space's. */
    boolean isMistake() {
        return this != SYNC;
    }

    /** Whether the kernel must refuse a call. */
    boolean isRefused() {
        return refused;
    }
}
