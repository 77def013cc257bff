package sluice.iommu.space;

/** A change of the mappings was refused, and nothing was changed. The message names rule, range and limit. */
public final class MapException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Refusal refusal;
    private final int errno;

    MapException(Refusal refusal, String message) {
        this(refusal, message, refusal.errno());
    }

    /** One that a rule has caused may have any errno. */
    MapException(Refusal refusal, String message, int errno) {
        super(message);
        this.refusal = refusal;
        this.errno = errno;
    }

    /** For apertures with their own allocation of addresses, when they are full. */
    public static MapException noRoom(String message) {
        return new MapException(Refusal.NO_ROOM, message);
    }

    public Refusal refusal() {
        return refusal;
    }

    /** Linux errno number, positive. */
    public int errno() {
        return errno;
    }
}
