package copyengine;

/** Why a job ends with an error; the driver finds the number in {@link Registers#ERROR_CODE}. */
enum Failure {
    NONE(0),
    /** The driver has not set the bus master bit in the command register. */
    NOT_BUS_MASTER(1),
    /** A list has no entries, or more than {@link ScatterList#MOST_ENTRIES}. */
    BAD_COUNT(2),
    /** A list could not be read: nobody has given the function this memory. */
    LIST_FAULT(3),
    /** An entry has no bytes, its flags are not 0, or its end is beyond the last address. */
    BAD_ENTRY(4),
    /** The lists are not of as many bytes. */
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
