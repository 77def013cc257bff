package sluice.iommu.space;

/** What became of a translation, or of an access that needs one. */
public enum Outcome {
    /** The runs were appended. */
    RESOLVED,
    /** A cache does not know the address; ask again once it was filled. */
    MISS,
    /** The access faulted: the command fails. */
    FAULT,
    /** The access faulted, and counts as done: what it would have read is zeros, what it would have written is dropped. */
    READ_ZERO_DROP_WRITE,
    /** The access faulted and may be tried again: leave the section, then {@link Reader#awaitMapped}. */
    STALLED,
    /** The access faulted: the queue stops. */
    STOP_QUEUE,
    /** A part of the range is in no file of ours, so that only the front-end reaches it. Nothing was done. */
    WITHOUT_FILE,
    /** There is no room where it would be mapped. */
    NO_ROOM
}
