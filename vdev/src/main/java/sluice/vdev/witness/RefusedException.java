package sluice.vdev.witness;

/** A refused message, with the reason. */
final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    RefusedException(String reason) {
        super(reason);
    }
}
