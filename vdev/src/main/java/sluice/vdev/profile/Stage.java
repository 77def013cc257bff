package sluice.vdev.profile;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.EventKind;

/**
 * What a device does at a moment of a frame. Stages do not overlap: at each moment exactly one of them counts, the one with the highest
 * {@linkplain #rank rank}, and of several with that rank the one that began last. So the stages of a frame add up to its time.
 */
public enum Stage {
    /** No request is with the device: the driver, the guest or the VMM is at work, or nobody. */
    GUEST("guest", "the device has nothing to do", 0, true),
    /** The driver has put a request into the ring, and the device has not been kicked. */
    SUBMIT("submit to kick", "from the guest's driver to the device: the rest of the batch, the kick and its way", 1,
            true),
    /** The interrupt was sent and has not reached the guest's driver. */
    DELIVERY("answer to interrupt", "from the device's interrupt until the guest's processor has entered it", 1, true),
    /** The guest has been interrupted, and its driver has not taken the answer. */
    DRIVER("interrupt to driver", "from the guest's interrupt until its driver has taken the answer", 1, true),
    /** A request waits in the ring, since the kick. */
    QUEUE("queue wait", "from the kick until the device takes the request", 2, true),
    /** A request is done and waits for its publication, or is being published. */
    RESPONSE("response", "from the end of the request until it is in the used ring", 3, true),
    /** The device is at work, and in none of the stages below. */
    DEVICE("device", "decoding, checks, and all that no other stage names", 4, false),
    INTERRUPT("interrupt", "sending the interrupt", 5, false),
    TRANSLATE("translate", "translating addresses, and waiting for the VM's IOMMU", 6, false),
    TRANSFER("transfer", "mapping, unmapping, and changes of ownership", 6, false),
    CACHE("cache", "writing back and invalidating lines", 6, false),
    COPY("copy", "copying as the protocol requires, and bouncing", 6, false),
    DISPLAY("display", "from the first pixel given to a display until it has accepted all", 6, false);

    private final String label;
    private final String says;
    private final int rank;
    private final boolean isWait;

    Stage(String label, String says, int rank, boolean isWait) {
        this.label = label;
        this.says = says;
        this.rank = rank;
        this.isWait = isWait;
    }

    /** A short name. */
    public String label() {
        return label;
    }

    /** What it covers. */
    public String says() {
        return says;
    }

    int rank() {
        return rank;
    }

    /** Whether no request is with the device: the guest, its driver or the VMM is at work, or nobody. */
    public boolean isGuest() {
        return this == GUEST || this == SUBMIT || this == DELIVERY || this == DRIVER;
    }

    /** Whether the device has answered the request. */
    boolean isAnswered() {
        return this == DELIVERY || this == DRIVER;
    }

    /** Whether nothing of the device runs. */
    public boolean isWait() {
        return isWait;
    }

    /** The stage of an event with a duration inside of a request, or null. */
    static @Nullable Stage of(EventKind kind) {
        return switch (kind) {
            case TRANSLATE, MISS -> TRANSLATE;
            case MAP, UNMAP, SYNC_FOR_DEVICE, SYNC_FOR_CPU, GET_SEGMENTS, PUT_SEGMENTS, BEGIN_CPU_ACCESS,
                    END_CPU_ACCESS, PIN,
                    UNPIN ->
                TRANSFER;
            case WRITE_BACK, INVALIDATE, SKIP -> CACHE;
            case COPY, BOUNCE, MOVE -> COPY;
            case DISPLAY -> DISPLAY;
            case EXPORT, RELEASE, ALLOCATE, ATTACH, DETACH, REVOKE, FAULT, FRAME, FINDING, COMMAND, ANSWER, BATCH,
                    CALL ->
                null;
        };
    }
}
