package sluice.vdev.differential;

/** A difference that is not accepted. */
final class Mismatch extends AssertionError {
    private static final long serialVersionUID = 1L;

    private final String kind;

    /**
     * @param kind   what a shorter stream must show to be the same failure
     * @param detail the rest of the sentence
     */
    Mismatch(String kind, String detail) {
        super(kind + ": " + detail);
        this.kind = kind;
    }

    String kind() {
        return kind;
    }
}
