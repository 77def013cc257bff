package sluice.iommu.space;

/** The outcome of a translation, or of an access. */
public enum Outcome {
    /** The runs were appended. */
    RESOLVED,
    /** A translation is missing in a cache; retry when it has arrived. */
    MISS,
    /** The access faulted: the command fails. */
    FAULT,
    /** The access faulted and counts as done: reads return zeros, writes are dropped. */
    READ_ZERO_DROP_WRITE,
    /** The access faulted and may be retried: leave the section, then {@link Reader#awaitMapped}. */
    STALLED,
    /** The access faulted: the queue stops. */
    STOP_QUEUE,
    /** A part of the range is memory without a file, accessible by messages to the front-end only. Nothing was done. */
    WITHOUT_FILE,
    /** No free addresses for the mapping. */
    NO_ROOM
}
