package copyengine;

/** Errors of a job; {@link Registers#ERROR_CODE} has the number. */
enum Failure {
    NONE(0),
    /** The driver has not set the bus master bit in the command register. */
    NOT_BUS_MASTER(1),
    /** A list has no entries, or more than {@link ScatterList#MOST_ENTRIES}. */
    BAD_COUNT(2),
    /** A list could not be read: its memory is not mapped for the function. */
    LIST_FAULT(3),
    /** An entry has length 0, its flags are not 0, or it exceeds the address space. */
    BAD_ENTRY(4),
    /** The lists differ in their total length. */
    UNEQUAL(5),
    /** More than {@link ScatterList#MOST_BYTES}. */
    TOO_LONG(6),
    /** A source could not be read. */
    READ_FAULT(7),
    /** A target could not be written. */
    WRITE_FAULT(8);

    private final int code;

    Failure(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
