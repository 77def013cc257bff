package sluice.vdev.witness;

/** A message is not carried out, and why. */
final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    RefusedException(String reason) {
        super(reason);
    }
}
