package sluice.vdev.profile;

/**
 * A frame of a device, or for a device without frames the time of one request.
 *
 * @param number as the device counts them
 * @param start nanoseconds of the recorder's clock: the kick of its first request, or when the guest's driver has put it into the queue
 * if that is known
 * @param end when its last request was answered, with the interrupt, or its answer taken by the guest's driver if that is known; or when
 * it was delivered
 * @param stages nanoseconds of each stage, by ordinal; their sum is {@code end - start}
 * @param tally what happened meanwhile on the device's thread
 */
public record Frame(long number, long start, long end, long[] stages, Tally tally) {
    /** Its time in nanoseconds. */
    public long nanos() {
        return end - start;
    }

    /** Nanoseconds of a stage. */
    @SuppressWarnings("EnumOrdinal") // an index of an array that lives as long as the process
    public long nanos(Stage stage) {
        return stages[stage.ordinal()];
    }

    /** Nanoseconds for which the device had something to do, whether it did it or not: all but {@linkplain Stage#isGuest those} of the guest. */
    public long busyNanos() {
        return nanos() - nanos(Stage.GUEST) - nanos(Stage.SUBMIT) - nanos(Stage.DELIVERY) - nanos(Stage.DRIVER);
    }
}
